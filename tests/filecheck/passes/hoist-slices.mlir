// RUN: penstock-opt %s -p hoist-slices --split-input-file | filecheck %s

func.func @broadcast_operands(%x: tensor<4x4xf32>, %row: tensor<1x4xf32>) -> tensor<2x2xf32> {
  %c = graph.constant {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} -> tensor<4xf32>
  %a = graph.mul %x, %c : tensor<4x4xf32>, tensor<4xf32> -> tensor<4x4xf32>
  %b = graph.add %a, %row : tensor<4x4xf32>, tensor<1x4xf32> -> tensor<4x4xf32>
  %y = graph.slice %b {starts = array<i64: 2, 0>, ends = array<i64: 4, 4>, steps = array<i64: 1, 2>} : tensor<4x4xf32> -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @broadcast_operands(%x: tensor<4x4xf32>, %row: tensor<1x4xf32>) -> tensor<2x2xf32> {
// CHECK-NEXT:     %0 = graph.slice %x {starts = array<i64: 2, 0>, ends = array<i64: 4, 4>, steps = array<i64: 1, 2>} : tensor<4x4xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %1 = graph.constant {value = dense<[1.000000e+00, 3.000000e+00]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %2 = graph.mul %0, %1 : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %3 = graph.slice %row {starts = array<i64: 0, 0>, ends = array<i64: 1, 4>, steps = array<i64: 1, 2>} : tensor<1x4xf32> -> tensor<1x2xf32>
// CHECK-NEXT:     %y = graph.add %2, %3 : tensor<2x2xf32>, tensor<1x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The sum is read as a whole; backwards nothing is saved.
func.func @stay(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2xf32>, tensor<4xf32>) {
  %a = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
  %b = graph.slice %a {starts = array<i64: 0>, ends = array<i64: 2>, steps = array<i64: 1>} : tensor<4xf32> -> tensor<2xf32>
  %c = graph.neg %x : tensor<4xf32> -> tensor<4xf32>
  %d = graph.slice %c {starts = array<i64: -1>, ends = array<i64: -9>, steps = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
  func.return %a, %b, %d : tensor<4xf32>, tensor<2xf32>, tensor<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @stay(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2xf32>, tensor<4xf32>) {
// CHECK-NEXT:     %a = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %b = graph.slice %a {starts = array<i64: 0>, ends = array<i64: 2>, steps = array<i64: 1>} : tensor<4xf32> -> tensor<2xf32>
// CHECK-NEXT:     %c = graph.neg %x : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     %d = graph.slice %c {starts = array<i64: -1>, ends = array<i64: -9>, steps = array<i64: -1>} : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:     func.return %a, %b, %d : tensor<4xf32>, tensor<2xf32>, tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Of a sequence only the first row is wanted.
func.func @first_row(%x: tensor<1x8x3xf32>, %w: tensor<3x4xf32>) -> tensor<1x1x4xf32> {
  %a = graph.layer_norm %x {axis = 2 : i64, eps = 0.5 : f64} : tensor<1x8x3xf32> -> tensor<1x8x3xf32>
  %b = graph.matmul %a, %w : tensor<1x8x3xf32>, tensor<3x4xf32> -> tensor<1x8x4xf32>
  %c = graph.softmax %b {axis = 2 : i64} : tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %y = graph.slice %c {starts = array<i64: 0, 0, 0>, ends = array<i64: 1, 1, 4>, steps = array<i64: 1, 1, 1>} : tensor<1x8x4xf32> -> tensor<1x1x4xf32>
  func.return %y : tensor<1x1x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @first_row(%x: tensor<1x8x3xf32>, %w: tensor<3x4xf32>) -> tensor<1x1x4xf32> {
// CHECK-NEXT:     %0 = graph.slice %x {starts = array<i64: 0, 0, 0>, ends = array<i64: 1, 1, 3>, steps = array<i64: 1, 1, 1>} : tensor<1x8x3xf32> -> tensor<1x1x3xf32>
// CHECK-NEXT:     %1 = graph.layer_norm %0 {axis = 2 : i64, eps = 5.000000e-01 : f64} : tensor<1x1x3xf32> -> tensor<1x1x3xf32>
// CHECK-NEXT:     %2 = graph.matmul %1, %w : tensor<1x1x3xf32>, tensor<3x4xf32> -> tensor<1x1x4xf32>
// CHECK-NEXT:     %y = graph.softmax %2 {axis = 2 : i64} : tensor<1x1x4xf32> -> tensor<1x1x4xf32>
// CHECK-NEXT:     func.return %y : tensor<1x1x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A part of a softmax needs all of it.
func.func @part_of_softmax(%x: tensor<2x4xf32>) -> tensor<2x2xf32> {
  %a = graph.softmax %x {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
  %y = graph.slice %a {starts = array<i64: 0, 0>, ends = array<i64: 2, 2>, steps = array<i64: 1, 1>} : tensor<2x4xf32> -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @part_of_softmax(%x: tensor<2x4xf32>) -> tensor<2x2xf32> {
// CHECK-NEXT:     %a = graph.softmax %x {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %y = graph.slice %a {starts = array<i64: 0, 0>, ends = array<i64: 2, 2>, steps = array<i64: 1, 1>} : tensor<2x4xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
