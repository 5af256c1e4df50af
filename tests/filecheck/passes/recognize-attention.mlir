// RUN: penstock-opt %s -p recognize-attention --split-input-file | filecheck %s

func.func @masked(%q: tensor<2x3x4xf32>, %k: tensor<2x5x4xf32>, %v: tensor<2x5x6xf32>, %mask: tensor<3x5xf32>) -> tensor<2x3x6xf32> {
  %scale = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %kt = graph.transpose %k {permutation = array<i64: 0, 2, 1>} : tensor<2x5x4xf32> -> tensor<2x4x5xf32>
  %a = graph.matmul %q, %kt : tensor<2x3x4xf32>, tensor<2x4x5xf32> -> tensor<2x3x5xf32>
  %b = graph.mul %a, %scale : tensor<2x3x5xf32>, tensor<f32> -> tensor<2x3x5xf32>
  %c = graph.add %b, %mask : tensor<2x3x5xf32>, tensor<3x5xf32> -> tensor<2x3x5xf32>
  %d = graph.softmax %c {axis = 2 : i64} : tensor<2x3x5xf32> -> tensor<2x3x5xf32>
  %y = graph.matmul %d, %v : tensor<2x3x5xf32>, tensor<2x5x6xf32> -> tensor<2x3x6xf32>
  func.return %y : tensor<2x3x6xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @masked(%q: tensor<2x3x4xf32>, %k: tensor<2x5x4xf32>, %v: tensor<2x5x6xf32>, %mask: tensor<3x5xf32>) -> tensor<2x3x6xf32> {
// CHECK-NEXT:     %y = graph.attention %q, %k, %v, %mask {scale = 5.000000e-01 : f64} : tensor<2x3x4xf32>, tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<3x5xf32> -> tensor<2x3x6xf32>
// CHECK-NEXT:     func.return %y : tensor<2x3x6xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Scaled before the product, and without a mask.
func.func @scaled_query(%q: tensor<3x4xf32>, %kt: tensor<4x5xf32>, %v: tensor<5x6xf32>) -> tensor<3x6xf32> {
  %root = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %s = graph.div %q, %root : tensor<3x4xf32>, tensor<f32> -> tensor<3x4xf32>
  %a = graph.matmul %s, %kt : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
  %d = graph.softmax %a {axis = 1 : i64} : tensor<3x5xf32> -> tensor<3x5xf32>
  %y = graph.matmul %d, %v : tensor<3x5xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
  func.return %y : tensor<3x6xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @scaled_query(%q: tensor<3x4xf32>, %kt: tensor<4x5xf32>, %v: tensor<5x6xf32>) -> tensor<3x6xf32> {
// CHECK-NEXT:     %0 = graph.transpose %kt {permutation = array<i64: 1, 0>} : tensor<4x5xf32> -> tensor<5x4xf32>
// CHECK-NEXT:     %y = graph.attention %q, %0, %v {scale = 5.000000e-01 : f64} : tensor<3x4xf32>, tensor<5x4xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
// CHECK-NEXT:     func.return %y : tensor<3x6xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Along another axis, or with the weights read elsewhere too, it is none.
func.func @near_misses(%q: tensor<3x4xf32>, %kt: tensor<4x5xf32>, %v: tensor<5x6xf32>) -> (tensor<3x6xf32>, tensor<3x6xf32>, tensor<3x5xf32>) {
  %a = graph.matmul %q, %kt : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
  %b = graph.softmax %a {axis = 0 : i64} : tensor<3x5xf32> -> tensor<3x5xf32>
  %c = graph.matmul %b, %v : tensor<3x5xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
  %d = graph.matmul %q, %kt : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
  %e = graph.softmax %d {axis = 1 : i64} : tensor<3x5xf32> -> tensor<3x5xf32>
  %f = graph.matmul %e, %v : tensor<3x5xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
  func.return %c, %f, %e : tensor<3x6xf32>, tensor<3x6xf32>, tensor<3x5xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @near_misses(%q: tensor<3x4xf32>, %kt: tensor<4x5xf32>, %v: tensor<5x6xf32>) -> (tensor<3x6xf32>, tensor<3x6xf32>, tensor<3x5xf32>) {
// CHECK-NEXT:     %a = graph.matmul %q, %kt : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
// CHECK-NEXT:     %b = graph.softmax %a {axis = 0 : i64} : tensor<3x5xf32> -> tensor<3x5xf32>
// CHECK-NEXT:     %c = graph.matmul %b, %v : tensor<3x5xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
// CHECK-NEXT:     %d = graph.matmul %q, %kt : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
// CHECK-NEXT:     %e = graph.softmax %d {axis = 1 : i64} : tensor<3x5xf32> -> tensor<3x5xf32>
// CHECK-NEXT:     %f = graph.matmul %e, %v : tensor<3x5xf32>, tensor<5x6xf32> -> tensor<3x6xf32>
// CHECK-NEXT:     func.return %c, %f, %e : tensor<3x6xf32>, tensor<3x6xf32>, tensor<3x5xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
