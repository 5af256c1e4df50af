// RUN: penstock-opt %s -p move-transposes --split-input-file | filecheck %s

func.func @meet_and_cancel(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %c = graph.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} -> tensor<3xf32>
  %a = graph.transpose %x {permutation = array<i64: 0, 2, 1>} : tensor<2x3x4xf32> -> tensor<2x4x3xf32>
  %b = graph.exp %a : tensor<2x4x3xf32> -> tensor<2x4x3xf32>
  %d = graph.mul %b, %c : tensor<2x4x3xf32>, tensor<3xf32> -> tensor<2x4x3xf32>
  %y = graph.transpose %d {permutation = array<i64: 0, 2, 1>} : tensor<2x4x3xf32> -> tensor<2x3x4xf32>
  func.return %y : tensor<2x3x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @meet_and_cancel(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
// CHECK-NEXT:     %0 = graph.exp %x : tensor<2x3x4xf32> -> tensor<2x3x4xf32>
// CHECK-NEXT{LITERAL}:     %1 = graph.constant {value = dense<[[[1.000000e+00], [2.000000e+00], [3.000000e+00]]]> : tensor<1x3x1xf32>} -> tensor<1x3x1xf32>
// CHECK-NEXT:     %y = graph.mul %0, %1 : tensor<2x3x4xf32>, tensor<1x3x1xf32> -> tensor<2x3x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x3x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @two_become_one(%x: tensor<2x3xf32>, %z: tensor<2x3xf32>) -> tensor<6x2xf32> {
  %a = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %b = graph.transpose %z {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %c = graph.add %a, %b : tensor<3x2xf32>, tensor<3x2xf32> -> tensor<3x2xf32>
  %zeros = graph.constant {value = dense<0.0> : tensor<3x2xf32>} -> tensor<3x2xf32>
  %y = graph.concat %c, %zeros {axis = 0 : i64} : tensor<3x2xf32>, tensor<3x2xf32> -> tensor<6x2xf32>
  func.return %y : tensor<6x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @two_become_one(%x: tensor<2x3xf32>, %z: tensor<2x3xf32>) -> tensor<6x2xf32> {
// CHECK-NEXT:     %0 = graph.add %x, %z : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     %c = graph.transpose %0 {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     %zeros = graph.constant {value = dense<0.000000e+00> : tensor<3x2xf32>} -> tensor<3x2xf32>
// CHECK-NEXT:     %y = graph.concat %c, %zeros {axis = 0 : i64} : tensor<3x2xf32>, tensor<3x2xf32> -> tensor<6x2xf32>
// CHECK-NEXT:     func.return %y : tensor<6x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Another operand would have to be transposed back; another reader needs the transpose.
func.func @stay(%x: tensor<2x3xf32>, %z: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %a = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %b = graph.add %a, %z : tensor<3x2xf32>, tensor<3x2xf32> -> tensor<3x2xf32>
  %c = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %d = graph.exp %c : tensor<3x2xf32> -> tensor<3x2xf32>
  func.return %b, %c, %d : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @stay(%x: tensor<2x3xf32>, %z: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
// CHECK-NEXT:     %a = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     %b = graph.add %a, %z : tensor<3x2xf32>, tensor<3x2xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     %c = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     %d = graph.exp %c : tensor<3x2xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     func.return %b, %c, %d : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @reductions(%x: tensor<2x3x4xf32>, %z: tensor<2x3x4xf32>) -> (tensor<4x1x3xf32>, tensor<2x3xf32>) {
  %a = graph.transpose %x {permutation = array<i64: 2, 0, 1>} : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %b = graph.reduce_max %a {axes = array<i64: 1>} : tensor<4x2x3xf32> -> tensor<4x1x3xf32>
  %c = graph.transpose %z {permutation = array<i64: 0, 2, 1>} : tensor<2x3x4xf32> -> tensor<2x4x3xf32>
  %d = graph.reduce_max %c {axes = array<i64: 1>, keepdims = false} : tensor<2x4x3xf32> -> tensor<2x3xf32>
  func.return %b, %d : tensor<4x1x3xf32>, tensor<2x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reductions(%x: tensor<2x3x4xf32>, %z: tensor<2x3x4xf32>) -> (tensor<4x1x3xf32>, tensor<2x3xf32>) {
// CHECK-NEXT:     %0 = graph.reduce_max %x {axes = array<i64: 0>} : tensor<2x3x4xf32> -> tensor<1x3x4xf32>
// CHECK-NEXT:     %b = graph.transpose %0 {permutation = array<i64: 2, 0, 1>} : tensor<1x3x4xf32> -> tensor<4x1x3xf32>
// CHECK-NEXT:     %d = graph.reduce_max %z {axes = array<i64: 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     func.return %b, %d : tensor<4x1x3xf32>, tensor<2x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @less_to_move(%x: tensor<2x8xf32>, %z: tensor<2x8xf32>, %u: tensor<2x1xf32>) -> (tensor<3x2xf32>, tensor<10x2xf32>, tensor<4x2xf32>) {
  %a = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x8xf32> -> tensor<8x2xf32>
  %b = graph.slice %a {starts = array<i64: 1, 0>, ends = array<i64: 4, 2>, steps = array<i64: 1, 1>} : tensor<8x2xf32> -> tensor<3x2xf32>
  %c = graph.pad %z {low = array<i64: 0, 2>, high = array<i64: 0, 0>} : tensor<2x8xf32> -> tensor<2x10xf32>
  %d = graph.transpose %c {permutation = array<i64: 1, 0>} : tensor<2x10xf32> -> tensor<10x2xf32>
  %e = graph.broadcast_to %u {shape = [2 : i64, 4 : i64]} : tensor<2x1xf32> -> tensor<2x4xf32>
  %f = graph.transpose %e {permutation = array<i64: 1, 0>} : tensor<2x4xf32> -> tensor<4x2xf32>
  func.return %b, %d, %f : tensor<3x2xf32>, tensor<10x2xf32>, tensor<4x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @less_to_move(%x: tensor<2x8xf32>, %z: tensor<2x8xf32>, %u: tensor<2x1xf32>) -> (tensor<3x2xf32>, tensor<10x2xf32>, tensor<4x2xf32>) {
// CHECK-NEXT:     %0 = graph.slice %x {starts = array<i64: 0, 1>, ends = array<i64: 2, 4>, steps = array<i64: 1, 1>} : tensor<2x8xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     %b = graph.transpose %0 {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     %1 = graph.transpose %z {permutation = array<i64: 1, 0>} : tensor<2x8xf32> -> tensor<8x2xf32>
// CHECK-NEXT:     %d = graph.pad %1 {low = array<i64: 2, 0>, high = array<i64: 0, 0>} : tensor<8x2xf32> -> tensor<10x2xf32>
// CHECK-NEXT:     %2 = graph.reshape %u {shape = [1 : i64, 2 : i64]} : tensor<2x1xf32> -> tensor<1x2xf32>
// CHECK-NEXT:     %f = graph.broadcast_to %2 {shape = [4 : i64, 2 : i64]} : tensor<1x2xf32> -> tensor<4x2xf32>
// CHECK-NEXT:     func.return %b, %d, %f : tensor<3x2xf32>, tensor<10x2xf32>, tensor<4x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @product(%x: tensor<3x2xf32>, %z: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %a = graph.transpose %x {permutation = array<i64: 1, 0>} : tensor<3x2xf32> -> tensor<2x3xf32>
  %b = graph.transpose %z {permutation = array<i64: 1, 0>} : tensor<4x3xf32> -> tensor<3x4xf32>
  %y = graph.matmul %a, %b : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @product(%x: tensor<3x2xf32>, %z: tensor<4x3xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %0 = graph.matmul %z, %x : tensor<4x3xf32>, tensor<3x2xf32> -> tensor<4x2xf32>
// CHECK-NEXT:     %y = graph.transpose %0 {permutation = array<i64: 1, 0>} : tensor<4x2xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
