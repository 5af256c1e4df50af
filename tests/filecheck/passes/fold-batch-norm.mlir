// RUN: penstock-opt %s -p fold-batch-norm --split-input-file | filecheck %s

// b' = (b - mean) * s + beta: the old bias is scaled too.
func.func @conv_batch_norm(%x: tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = graph.constant {value = dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>} -> tensor<2x1x1x1xf32>
  %b = graph.constant {value = dense<[1.0, -1.0]> : tensor<2xf32>} -> tensor<2xf32>
  %scale = graph.constant {value = dense<[4.0, 2.0]> : tensor<2xf32>} -> tensor<2xf32>
  %beta = graph.constant {value = dense<[0.5, 0.25]> : tensor<2xf32>} -> tensor<2xf32>
  %mean = graph.constant {value = dense<[3.0, 1.0]> : tensor<2xf32>} -> tensor<2xf32>
  %var = graph.constant {value = dense<[4.0, 16.0]> : tensor<2xf32>} -> tensor<2xf32>
  %c = graph.conv %x, %w, %b {nodes = ["conv"], strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32> -> tensor<1x2x2x2xf32>
  %y = graph.batch_norm %c, %scale, %beta, %mean, %var {nodes = ["norm"], eps = 0.0 : f64, axis = 1 : i64} : tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x2x2x2xf32>
  func.return %y : tensor<1x2x2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @conv_batch_norm(%x: tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> {
// CHECK-NEXT{LITERAL}:     %0 = graph.constant {nodes = ["conv", "norm"], value = dense<[[[[2.000000e+00]]], [[[1.000000e+00]]]]> : tensor<2x1x1x1xf32>} -> tensor<2x1x1x1xf32>
// CHECK-NEXT:     %1 = graph.constant {nodes = ["conv", "norm"], value = dense<[-3.500000e+00, -7.500000e-01]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %y = graph.conv %x, %0, %1 {nodes = ["conv", "norm"], strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32> -> tensor<1x2x2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A chain of products, sums, differences and quotients per channel, on a grouped transposed convolution.
func.func @conv_transpose_chain(%x: tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32> {
  %w = graph.constant {value = dense<[[[[3.0]]], [[[5.0]]]]> : tensor<2x1x1x1xf32>} -> tensor<2x1x1x1xf32>
  %a = graph.constant {value = dense<[[[2.0]], [[4.0]]]> : tensor<2x1x1xf32>} -> tensor<2x1x1xf32>
  %b = graph.constant {value = dense<[[[[1.0]], [[2.0]]]]> : tensor<1x2x1x1xf32>} -> tensor<1x2x1x1xf32>
  %two = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %c = graph.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 2 : i64} : tensor<1x2x1x2xf32>, tensor<2x1x1x1xf32> -> tensor<1x2x1x2xf32>
  %d = graph.mul %a, %c : tensor<2x1x1xf32>, tensor<1x2x1x2xf32> -> tensor<1x2x1x2xf32>
  %e = graph.sub %d, %b : tensor<1x2x1x2xf32>, tensor<1x2x1x1xf32> -> tensor<1x2x1x2xf32>
  %f = graph.div %e, %two : tensor<1x2x1x2xf32>, tensor<f32> -> tensor<1x2x1x2xf32>
  %y = graph.add %f, %two : tensor<1x2x1x2xf32>, tensor<f32> -> tensor<1x2x1x2xf32>
  func.return %y : tensor<1x2x1x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @conv_transpose_chain(%x: tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32> {
// CHECK-NEXT{LITERAL}:     %0 = graph.constant {value = dense<[[[[3.000000e+00]]], [[[1.000000e+01]]]]> : tensor<2x1x1x1xf32>} -> tensor<2x1x1x1xf32>
// CHECK-NEXT:     %1 = graph.constant {value = dense<[1.500000e+00, 1.000000e+00]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %y = graph.conv_transpose %x, %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 2 : i64} : tensor<1x2x1x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32> -> tensor<1x2x1x2xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x1x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @matmul_scale(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = graph.constant {value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>} -> tensor<2x2xf32>
  %b = graph.constant {value = dense<[1.0, 1.0]> : tensor<2xf32>} -> tensor<2xf32>
  %s = graph.constant {value = dense<[2.0, 3.0]> : tensor<2xf32>} -> tensor<2xf32>
  %c = graph.matmul %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %d = graph.add %c, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  %y = graph.mul %d, %s : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @matmul_scale(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
// CHECK-NEXT{LITERAL}:     %0 = graph.constant {value = dense<[[2.000000e+00, 6.000000e+00], [6.000000e+00, 1.200000e+01]]> : tensor<2x2xf32>} -> tensor<2x2xf32>
// CHECK-NEXT:     %1 = graph.matmul %x, %0 : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %2 = graph.constant {value = dense<[2.000000e+00, 3.000000e+00]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %y = graph.add %1, %2 : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A plain bias is left for the epilogue, a whole tensor is none, and what has another reader is not changed.
func.func @stay(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = graph.constant {value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>} -> tensor<2x2xf32>
  %b = graph.constant {value = dense<[2.0, 3.0]> : tensor<2xf32>} -> tensor<2xf32>
  %c = graph.matmul %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %d = graph.add %c, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  %e = graph.matmul %w, %x : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %f = graph.mul %e, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  %g = graph.matmul %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %h = graph.mul %g, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  func.return %d, %f, %g, %h : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @stay(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
// CHECK-NEXT{LITERAL}:     %w = graph.constant {value = dense<[[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>} -> tensor<2x2xf32>
// CHECK-NEXT:     %b = graph.constant {value = dense<[2.000000e+00, 3.000000e+00]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %c = graph.matmul %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %d = graph.add %c, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %e = graph.matmul %w, %x : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %f = graph.mul %e, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %g = graph.matmul %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %h = graph.mul %g, %b : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     func.return %d, %f, %g, %h : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Without weights in front a batch norm is a product and a sum.
func.func @alone(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
  %scale = graph.constant {value = dense<[4.0, 2.0]> : tensor<2xf32>} -> tensor<2xf32>
  %beta = graph.constant {value = dense<[0.5, 0.25]> : tensor<2xf32>} -> tensor<2xf32>
  %mean = graph.constant {value = dense<[3.0, 1.0]> : tensor<2xf32>} -> tensor<2xf32>
  %var = graph.constant {value = dense<[4.0, 16.0]> : tensor<2xf32>} -> tensor<2xf32>
  %y = graph.batch_norm %x, %scale, %beta, %mean, %var {eps = 0.0 : f64, axis = 1 : i64} : tensor<1x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x2x2xf32>
  func.return %y : tensor<1x2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @alone(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
// CHECK-NEXT{LITERAL}:     %0 = graph.constant {value = dense<[[2.000000e+00], [5.000000e-01]]> : tensor<2x1xf32>} -> tensor<2x1xf32>
// CHECK-NEXT:     %1 = graph.mul %x, %0 : tensor<1x2x2xf32>, tensor<2x1xf32> -> tensor<1x2x2xf32>
// CHECK-NEXT{LITERAL}:     %2 = graph.constant {value = dense<[[-5.500000e+00], [-2.500000e-01]]> : tensor<2x1xf32>} -> tensor<2x1xf32>
// CHECK-NEXT:     %y = graph.add %1, %2 : tensor<1x2x2xf32>, tensor<2x1xf32> -> tensor<1x2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<1x2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The scaled weight would be infinite.
func.func @overflow(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w = graph.constant {value = dense<3.0e38> : tensor<1x1xf32>} -> tensor<1x1xf32>
  %s = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %c = graph.matmul %x, %w : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xf32>
  %y = graph.mul %c, %s : tensor<1x1xf32>, tensor<f32> -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @overflow(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
// CHECK-NEXT:     %w = graph.constant {value = dense<3.000000e+38> : tensor<1x1xf32>} -> tensor<1x1xf32>
// CHECK-NEXT:     %s = graph.constant {value = dense<2.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %c = graph.matmul %x, %w : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xf32>
// CHECK-NEXT:     %y = graph.mul %c, %s : tensor<1x1xf32>, tensor<f32> -> tensor<1x1xf32>
// CHECK-NEXT:     func.return %y : tensor<1x1xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
