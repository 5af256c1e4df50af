// RUN: penstock-opt %s -p move-reshapes --split-input-file | filecheck %s

func.func @behind_the_bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<1x2x4xf32> {
  %b = graph.constant {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} -> tensor<4xf32>
  %a = graph.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  %c = graph.reshape %a {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
  %d = graph.add %c, %b : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  %y = graph.clip %d {low = 0.0 : f64} : tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @behind_the_bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<1x2x4xf32> {
// CHECK-NEXT:     %b = graph.constant {value = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>} -> tensor<4xf32>
// CHECK-NEXT:     %a = graph.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %0 = graph.add %a, %b : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %1 = graph.clip %0 {low = 0.000000e+00 : f64} : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %y = graph.reshape %1 {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The other operand of a sum with a product is reshaped instead: it moves nothing.
func.func @residual(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %r: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = graph.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  %b = graph.reshape %a {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
  %y = graph.add %r, %b : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @residual(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %r: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
// CHECK-NEXT:     %a = graph.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %0 = graph.reshape %r {shape = [2 : i64, 4 : i64]} : tensor<1x2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %1 = graph.add %0, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %y = graph.reshape %1 {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A bias of the new dims has no place among the old ones; neither of two tensors leads.
func.func @stay(%x: tensor<6xf32>, %z: tensor<2x3xf32>, %b: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %a = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
  %c = graph.add %a, %b : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %d = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
  %e = graph.add %d, %z : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  func.return %c, %e : tensor<2x3xf32>, tensor<2x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @stay(%x: tensor<6xf32>, %z: tensor<2x3xf32>, %b: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
// CHECK-NEXT:     %a = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     %c = graph.add %a, %b : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     %d = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     %e = graph.add %d, %z : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
// CHECK-NEXT:     func.return %c, %e : tensor<2x3xf32>, tensor<2x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @two_reshapes(%x: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
  %a = graph.reshape %x {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
  %b = graph.reshape %z {shape = [2 : i64, 3 : i64]} : tensor<6xf32> -> tensor<2x3xf32>
  %c = graph.add %a, %b : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  %y = graph.reshape %c {shape = [6 : i64]} : tensor<2x3xf32> -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @two_reshapes(%x: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
// CHECK-NEXT:     %y = graph.add %x, %z : tensor<6xf32>, tensor<6xf32> -> tensor<6xf32>
// CHECK-NEXT:     func.return %y : tensor<6xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @norm(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %a = graph.reshape %x {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
  %b = graph.layer_norm %a scale %s {axis = 2 : i64, eps = 0.5 : f64} : tensor<1x2x4xf32> scale tensor<4xf32> -> tensor<1x2x4xf32>
  %y = graph.softmax %b {axis = 2 : i64} : tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @norm(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<1x2x4xf32> {
// CHECK-NEXT:     %0 = graph.layer_norm %x scale %s {axis = 1 : i64, eps = 5.000000e-01 : f64} : tensor<2x4xf32> scale tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %1 = graph.softmax %0 {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %y = graph.reshape %1 {shape = [1 : i64, 2 : i64, 4 : i64]} : tensor<2x4xf32> -> tensor<1x2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What is normalized together would change.
func.func @norm_of_other_rows(%x: tensor<8xf32>) -> tensor<2x4xf32> {
  %a = graph.reshape %x {shape = [2 : i64, 4 : i64]} : tensor<8xf32> -> tensor<2x4xf32>
  %y = graph.softmax %a {axis = 0 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @norm_of_other_rows(%x: tensor<8xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT:     %a = graph.reshape %x {shape = [2 : i64, 4 : i64]} : tensor<8xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     %y = graph.softmax %a {axis = 0 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT:     func.return %y : tensor<2x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
