// RUN: penstock-opt %s -p merge-convolutions --split-input-file | filecheck %s

// Heads with 1 and 2 channels; what reads them are convolutions.
func.func @heads(%x: tensor<1x3x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = graph.constant {value = dense<0.5> : tensor<1x3x1x1xf32>} -> tensor<1x3x1x1xf32>
  %a = graph.constant {value = dense<1.0> : tensor<1xf32>} -> tensor<1xf32>
  %v = graph.constant {value = dense<0.25> : tensor<2x3x1x1xf32>} -> tensor<2x3x1x1xf32>
  %b = graph.constant {value = dense<[2.0, 3.0]> : tensor<2xf32>} -> tensor<2xf32>
  %s = graph.conv %x, %w, %a {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>, tensor<1xf32> -> tensor<1x1x4x4xf32>
  %t = graph.conv %x, %v, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>, tensor<2xf32> -> tensor<1x2x4x4xf32>
  %k = graph.constant {value = dense<1.0> : tensor<1x1x3x3xf32>} -> tensor<1x1x3x3xf32>
  %l = graph.constant {value = dense<1.0> : tensor<2x1x3x3xf32>} -> tensor<2x1x3x3xf32>
  %y = graph.conv %s, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32> -> tensor<1x1x4x4xf32>
  %z = graph.conv %t, %l {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64, layout = "nchw"} : tensor<1x2x4x4xf32>, tensor<2x1x3x3xf32> -> tensor<1x2x4x4xf32>
  func.return %y, %z : tensor<1x1x4x4xf32>, tensor<1x2x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @heads(%x: tensor<1x3x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x2x4x4xf32>) {
// CHECK-NEXT{LITERAL}:     %0 = graph.constant {value = dense<[[[[5.000000e-01]], [[5.000000e-01]], [[5.000000e-01]]], [[[2.500000e-01]], [[2.500000e-01]], [[2.500000e-01]]], [[[2.500000e-01]], [[2.500000e-01]], [[2.500000e-01]]]]> : tensor<3x3x1x1xf32>} -> tensor<3x3x1x1xf32>
// CHECK-NEXT:     %1 = graph.constant {value = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32>} -> tensor<3xf32>
// CHECK-NEXT:     %2 = graph.conv %x, %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x3x4x4xf32>, tensor<3x3x1x1xf32>, tensor<3xf32> -> tensor<1x3x4x4xf32>
// CHECK-NEXT:     %s = graph.slice %2 {starts = array<i64: 0, 0, 0, 0>, ends = array<i64: 1, 1, 4, 4>, steps = array<i64: 1, 1, 1, 1>} : tensor<1x3x4x4xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     %t = graph.slice %2 {starts = array<i64: 0, 1, 0, 0>, ends = array<i64: 1, 3, 4, 4>, steps = array<i64: 1, 1, 1, 1>} : tensor<1x3x4x4xf32> -> tensor<1x2x4x4xf32>
// CHECK-NEXT:     %k = graph.constant {value = dense<1.000000e+00> : tensor<1x1x3x3xf32>} -> tensor<1x1x3x3xf32>
// CHECK-NEXT:     %l = graph.constant {value = dense<1.000000e+00> : tensor<2x1x3x3xf32>} -> tensor<2x1x3x3xf32>
// CHECK-NEXT:     %y = graph.conv %s, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     %z = graph.conv %t, %l {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64} : tensor<1x2x4x4xf32>, tensor<2x1x3x3xf32> -> tensor<1x2x4x4xf32>
// CHECK-NEXT:     func.return %y, %z : tensor<1x1x4x4xf32>, tensor<1x2x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Eight channels fill a vector by themselves; a rectifier belongs to sums in registers.
func.func @stay(%x: tensor<1x3x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
  %w = graph.constant {value = dense<0.5> : tensor<8x3x1x1xf32>} -> tensor<8x3x1x1xf32>
  %v = graph.constant {value = dense<0.5> : tensor<1x3x1x1xf32>} -> tensor<1x3x1x1xf32>
  %k = graph.constant {value = dense<1.0> : tensor<8x1x3x3xf32>} -> tensor<8x1x3x3xf32>
  %s = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32> -> tensor<1x8x4x4xf32>
  %t = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32> -> tensor<1x8x4x4xf32>
  %a = graph.conv %s, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64, layout = "nchw"} : tensor<1x8x4x4xf32>, tensor<8x1x3x3xf32> -> tensor<1x8x4x4xf32>
  %b = graph.conv %t, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64, layout = "nchw"} : tensor<1x8x4x4xf32>, tensor<8x1x3x3xf32> -> tensor<1x8x4x4xf32>
  %c = graph.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32> -> tensor<1x1x4x4xf32>
  %d = graph.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, layout = "nchw"} : tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32> -> tensor<1x1x4x4xf32>
  %e = graph.clip %c {low = 0.0 : f64} : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
  %f = graph.clip %d {low = 0.0 : f64} : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
  func.return %a, %b, %e, %f : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @stay(%x: tensor<1x3x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
// CHECK-NEXT:     %w = graph.constant {value = dense<5.000000e-01> : tensor<8x3x1x1xf32>} -> tensor<8x3x1x1xf32>
// CHECK-NEXT:     %v = graph.constant {value = dense<5.000000e-01> : tensor<1x3x1x1xf32>} -> tensor<1x3x1x1xf32>
// CHECK-NEXT:     %k = graph.constant {value = dense<1.000000e+00> : tensor<8x1x3x3xf32>} -> tensor<8x1x3x3xf32>
// CHECK-NEXT:     %s = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     %t = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x3x4x4xf32>, tensor<8x3x1x1xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     %a = graph.conv %s, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64} : tensor<1x8x4x4xf32>, tensor<8x1x3x3xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     %b = graph.conv %t, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64} : tensor<1x8x4x4xf32>, tensor<8x1x3x3xf32> -> tensor<1x8x4x4xf32>
// CHECK-NEXT:     %c = graph.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     %d = graph.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     %e = graph.clip %c {low = 0.000000e+00 : f64} : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     %f = graph.clip %d {low = 0.000000e+00 : f64} : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
// CHECK-NEXT:     func.return %a, %b, %e, %f : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
