// RUN: penstock-opt %s -p remove-no-ops --split-input-file | filecheck %s

func.func @same_shape(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<2x3xf32> -> tensor<2x3xf32>
  %b = graph.broadcast_to %a {shape = [2 : i64, 3 : i64]} : tensor<2x3xf32> -> tensor<2x3xf32>
  %c = graph.slice %b {starts = array<i64: 0, 0>, ends = array<i64: 9, 3>, steps = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  %d = graph.pad %c {low = array<i64: 0, 0>, high = array<i64: 0, 0>} : tensor<2x3xf32> -> tensor<2x3xf32>
  %e = graph.transpose %d {permutation = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  %f = graph.cast %e {to = f32} : tensor<2x3xf32> -> tensor<2x3xf32>
  %y = graph.concat %f {axis = 0 : i64} : tensor<2x3xf32> -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @same_shape(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
// CHECK-NEXT:     func.return %x : tensor<2x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Backwards, and cut on one side only, the shape stays and the elements move.
func.func @same_shape_other_elements(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = graph.slice %x {starts = array<i64: -1>, ends = array<i64: -9>, steps = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
  %y = graph.pad %a {low = array<i64: 1>, high = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @same_shape_other_elements(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:     %a = graph.slice %x {starts = array<i64: -1>, ends = array<i64: -9>, steps = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %y = graph.pad %a {low = array<i64: 1>, high = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %y : tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @transpose_of_one_pixel(%x: tensor<2x3x1x1xf32>) -> tensor<2x1x1x3xf32> {
  %y = graph.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<2x3x1x1xf32> -> tensor<2x1x1x3xf32>
  func.return %y : tensor<2x1x1x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @transpose_of_one_pixel(%x: tensor<2x3x1x1xf32>) -> tensor<2x1x1x3xf32> {
// CHECK-NEXT:     %y = graph.reshape %x {shape = [2 : i64, 1 : i64, 1 : i64, 3 : i64]} : tensor<2x3x1x1xf32> -> tensor<2x1x1x3xf32>
// CHECK-NEXT:     func.return %y : tensor<2x1x1x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @unit_pool(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %y = graph.max_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x3x3xf32>
  func.return %y : tensor<1x2x3x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @unit_pool(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
// CHECK-NEXT:     func.return %x : tensor<1x2x3x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A stride leaves elements out, padding adds some.
func.func @unit_pools_that_stay(%x: tensor<1x2x3x3xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x5x3xf32>) {
  %a = graph.max_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x2x2xf32>
  %b = graph.average_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 0>, counted = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x5x3xf32>
  func.return %a, %b : tensor<1x2x2x2xf32>, tensor<1x2x5x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @unit_pools_that_stay(%x: tensor<1x2x3x3xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x5x3xf32>) {
// CHECK-NEXT:     %a = graph.max_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x2x2xf32>
// CHECK-NEXT:     %b = graph.average_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 0>, counted = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x3x3xf32> -> tensor<1x2x5x3xf32>
// CHECK-NEXT:     func.return %a, %b : tensor<1x2x2x2xf32>, tensor<1x2x5x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @reduction_of_one(%x: tensor<3x1x1xf32>) -> tensor<3xf32> {
  %y = graph.reduce_mean %x {axes = array<i64: 1, 2>, keepdims = false} : tensor<3x1x1xf32> -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reduction_of_one(%x: tensor<3x1x1xf32>) -> tensor<3xf32> {
// CHECK-NEXT:     %y = graph.reshape %x {shape = [3 : i64]} : tensor<3x1x1xf32> -> tensor<3xf32>
// CHECK-NEXT:     func.return %y : tensor<3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @empty_parts(%x: tensor<2xf32>, %none: tensor<0xf32>) -> tensor<2xf32> {
  %y = graph.concat %none, %x {axis = 0 : i64} : tensor<0xf32>, tensor<2xf32> -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @empty_parts(%x: tensor<2xf32>, %none: tensor<0xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     func.return %x : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @resize_to_itself(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %y = graph.resize %x {shape = [1 : i64, 1 : i64, 4 : i64, 4 : i64], scales = array<f64: 1.0, 1.0, 1.0, 1.0>, mode = "linear"} : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
  func.return %y : tensor<1x1x4x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @resize_to_itself(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
// CHECK-NEXT:     func.return %x : tensor<1x1x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
