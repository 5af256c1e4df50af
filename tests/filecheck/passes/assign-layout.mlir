// RUN: penstock-opt %s -p assign-layout --split-input-file | filecheck %s

// Two convolutions and what is between them work channels-last; a constant is transposed at once.
func.func @convolutions(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x3x3xf32>) -> tensor<1x8x4x4xf32> {
  %bias = graph.constant {value = dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]], [[6.0]], [[7.0]], [[8.0]]]> : tensor<8x1x1xf32>} -> tensor<8x1x1xf32>
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x4x4xf32>
  %b = graph.add %a, %bias : tensor<1x8x4x4xf32>, tensor<8x1x1xf32> -> tensor<1x8x4x4xf32>
  %y = graph.conv %b, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x4x4xf32>
  func.return %y : tensor<1x8x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @convolutions(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x3x3xf32>) -> tensor<1x8x4x4xf32> {
// CHECK-NEXT:     %0 = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x3x3xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT{LITERAL}:     %2 = graph.constant {value = dense<[[[[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]]]]> : tensor<1x1x1x8xf32>} -> tensor<1x1x1x8xf32>
// CHECK-NEXT:     %3 = graph.add %1, %2 : tensor<1x4x4x8xf32>, tensor<1x1x1x8xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %4 = graph.conv %3, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x3x3xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %5 = graph.transpose %4 {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     func.return %5 : tensor<1x8x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// One pool does not pay for two transposes.
func.func @pool_alone(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %y = graph.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
  func.return %y : tensor<1x8x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @pool_alone(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
// CHECK-NEXT:     %y = graph.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : tensor<1x8x4x4xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     func.return %y : tensor<1x8x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Transposes around convolutions are nothing once these are channels-last.
func.func @channels_last_model(%x: tensor<1x4x4x8xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x4x4x8xf32> {
  %a = graph.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xf32> -> tensor<1x8x4x4xf32>
  %b = graph.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32> -> tensor<1x8x4x4xf32>
  %y = graph.transpose %b {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xf32> -> tensor<1x4x4x8xf32>
  func.return %y : tensor<1x4x4x8xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @channels_last_model(%x: tensor<1x4x4x8xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x4x4x8xf32> {
// CHECK-NEXT:     %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x1x1xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     func.return %0 : tensor<1x4x4x8xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Axes, bounds and sizes follow the dims; a mean over all pixels comes out as it was.
func.func @properties(%x: tensor<1x16x4x6xf32>, %w: tensor<16x16x1x1xf32>) -> tensor<1x32xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x16x4x6xf32>, tensor<16x16x1x1xf32> -> tensor<1x16x4x6xf32>
  %b = graph.pad %a {low = array<i64: 0, 0, 0, 1>, high = array<i64: 0, 0, 0, 1>} : tensor<1x16x4x6xf32> -> tensor<1x16x4x8xf32>
  %c = graph.slice %b {starts = array<i64: 0, 0, 1, 0>, ends = array<i64: 1, 16, 4, 8>, steps = array<i64: 1, 1, 1, 2>} : tensor<1x16x4x8xf32> -> tensor<1x16x3x4xf32>
  %d = graph.concat %c, %c {axis = 1 : i64} : tensor<1x16x3x4xf32>, tensor<1x16x3x4xf32> -> tensor<1x32x3x4xf32>
  %e = graph.softmax %d {axis = 3 : i64} : tensor<1x32x3x4xf32> -> tensor<1x32x3x4xf32>
  %f = graph.resize %e {shape = [1 : i64, 32 : i64, 6 : i64, 4 : i64], scales = array<f64: 1.0, 1.0, 2.0, 1.0>, mode = "nearest"} : tensor<1x32x3x4xf32> -> tensor<1x32x6x4xf32>
  %y = graph.reduce_mean %f {axes = array<i64: 2, 3>, keepdims = false} : tensor<1x32x6x4xf32> -> tensor<1x32xf32>
  func.return %y : tensor<1x32xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @properties(%x: tensor<1x16x4x6xf32>, %w: tensor<16x16x1x1xf32>) -> tensor<1x32xf32> {
// CHECK-NEXT:     %0 = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x4x6xf32> -> tensor<1x4x6x16xf32>
// CHECK-NEXT:     %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x6x16xf32>, tensor<16x16x1x1xf32> -> tensor<1x4x6x16xf32>
// CHECK-NEXT:     %2 = graph.pad %1 {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 1, 0>} : tensor<1x4x6x16xf32> -> tensor<1x4x8x16xf32>
// CHECK-NEXT:     %3 = graph.slice %2 {starts = array<i64: 0, 1, 0, 0>, ends = array<i64: 1, 4, 8, 16>, steps = array<i64: 1, 1, 2, 1>} : tensor<1x4x8x16xf32> -> tensor<1x3x4x16xf32>
// CHECK-NEXT:     %4 = graph.concat %3, %3 {axis = 3 : i64} : tensor<1x3x4x16xf32>, tensor<1x3x4x16xf32> -> tensor<1x3x4x32xf32>
// CHECK-NEXT:     %5 = graph.softmax %4 {axis = 2 : i64} : tensor<1x3x4x32xf32> -> tensor<1x3x4x32xf32>
// CHECK-NEXT:     %6 = graph.resize %5 {shape = [1 : i64, 6 : i64, 4 : i64, 32 : i64], scales = array<f64: 1.000000e+00, 2.000000e+00, 1.000000e+00, 1.000000e+00>, mode = "nearest"} : tensor<1x3x4x32xf32> -> tensor<1x6x4x32xf32>
// CHECK-NEXT:     %7 = graph.reduce_mean %6 {axes = array<i64: 1, 2>, keepdims = false} : tensor<1x6x4x32xf32> -> tensor<1x32xf32>
// CHECK-NEXT:     func.return %7 : tensor<1x32xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @channel_shuffle(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32> -> tensor<1x8x4x4xf32>
  %b = graph.reshape %a {shape = [1 : i64, 2 : i64, 4 : i64, 4 : i64, 4 : i64]} : tensor<1x8x4x4xf32> -> tensor<1x2x4x4x4xf32>
  %c = graph.transpose %b {permutation = array<i64: 0, 2, 1, 3, 4>} : tensor<1x2x4x4x4xf32> -> tensor<1x4x2x4x4xf32>
  %d = graph.reshape %c {shape = [1 : i64, 8 : i64, 4 : i64, 4 : i64]} : tensor<1x4x2x4x4xf32> -> tensor<1x8x4x4xf32>
  %y = graph.conv %d, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32> -> tensor<1x8x4x4xf32>
  func.return %y : tensor<1x8x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @channel_shuffle(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32> {
// CHECK-NEXT:     %0 = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x1x1xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %2 = graph.reshape %1 {shape = [1 : i64, 4 : i64, 4 : i64, 2 : i64, 4 : i64]} : tensor<1x4x4x8xf32> -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:     %3 = graph.transpose %2 {permutation = array<i64: 0, 1, 2, 4, 3>} : tensor<1x4x4x2x4xf32> -> tensor<1x4x4x4x2xf32>
// CHECK-NEXT:     %4 = graph.reshape %3 {shape = [1 : i64, 4 : i64, 4 : i64, 8 : i64]} : tensor<1x4x4x4x2xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %5 = graph.conv %4, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x1x1xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %6 = graph.transpose %5 {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     func.return %6 : tensor<1x8x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @group_norm(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32> -> tensor<1x8x4x4xf32>
  %b = graph.reshape %a {shape = [1 : i64, 2 : i64, 4 : i64, 4 : i64, 4 : i64]} : tensor<1x8x4x4xf32> -> tensor<1x2x4x4x4xf32>
  %c = graph.layer_norm %b {axis = 2 : i64, eps = 0.5 : f64} : tensor<1x2x4x4x4xf32> -> tensor<1x2x4x4x4xf32>
  %d = graph.reshape %c {shape = [1 : i64, 8 : i64, 4 : i64, 4 : i64]} : tensor<1x2x4x4x4xf32> -> tensor<1x8x4x4xf32>
  %y = graph.conv %d, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32> -> tensor<1x8x4x4xf32>
  func.return %y : tensor<1x8x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @group_norm(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32> {
// CHECK-NEXT:     %0 = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x1x1xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %2 = graph.reshape %1 {shape = [1 : i64, 4 : i64, 4 : i64, 2 : i64, 4 : i64]} : tensor<1x4x4x8xf32> -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:     %3 = graph.reduce_mean %2 {axes = array<i64: 1, 2, 4>} : tensor<1x4x4x2x4xf32> -> tensor<1x1x1x2x1xf32>
// CHECK-NEXT:     %4 = graph.sub %2, %3 : tensor<1x4x4x2x4xf32>, tensor<1x1x1x2x1xf32> -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:     %5 = graph.mul %4, %4 : tensor<1x4x4x2x4xf32>, tensor<1x4x4x2x4xf32> -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:     %6 = graph.reduce_mean %5 {axes = array<i64: 1, 2, 4>} : tensor<1x4x4x2x4xf32> -> tensor<1x1x1x2x1xf32>
// CHECK-NEXT:     %7 = graph.constant {value = dense<5.000000e-01> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %8 = graph.add %6, %7 : tensor<1x1x1x2x1xf32>, tensor<f32> -> tensor<1x1x1x2x1xf32>
// CHECK-NEXT:     %9 = graph.sqrt %8 : tensor<1x1x1x2x1xf32> -> tensor<1x1x1x2x1xf32>
// CHECK-NEXT:     %10 = graph.div %4, %9 : tensor<1x4x4x2x4xf32>, tensor<1x1x1x2x1xf32> -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:     %11 = graph.reshape %10 {shape = [1 : i64, 4 : i64, 4 : i64, 8 : i64]} : tensor<1x4x4x2x4xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %12 = graph.conv %11, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nhwc"} : tensor<1x4x4x8xf32>, tensor<8x8x1x1xf32> -> tensor<1x4x4x8xf32>
// CHECK-NEXT:     %13 = graph.transpose %12 {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     func.return %13 : tensor<1x8x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
