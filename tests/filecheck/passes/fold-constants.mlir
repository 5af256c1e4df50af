// RUN: penstock-opt %s -p fold-constants --split-input-file | filecheck %s

func.func @chain(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = graph.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} -> tensor<2xf32>
  %b = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
  %c = graph.mul %a, %b {nodes = ["scale"]} : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %d = graph.sqrt %c {nodes = ["root"]} : tensor<2xf32> -> tensor<2xf32>
  %y = graph.add %x, %d : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @chain(%x: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %d = graph.constant {nodes = ["scale", "root"], value = dense<[0.707106769, 1.000000e+00]> : tensor<2xf32>} -> tensor<2xf32>
// CHECK-NEXT:     %y = graph.add %x, %d : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %y : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The shape of a tensor is known before the tensor is.
func.func @shape(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %y = graph.shape %x : tensor<2x3xf32> -> tensor<2xi64>
  func.return %y : tensor<2xi64>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @shape(%x: tensor<2x3xf32>) -> tensor<2xi64> {
// CHECK-NEXT:     %y = graph.constant {value = dense<[2, 3]> : tensor<2xi64>} -> tensor<2xi64>
// CHECK-NEXT:     func.return %y : tensor<2xi64>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Two megabytes of zeros are not worth a constant.
func.func @too_large(%x: tensor<1024x512xf32>) -> tensor<1024x512xf32> {
  %zero = graph.constant {value = dense<0.0> : tensor<f32>} -> tensor<f32>
  %z = graph.broadcast_to %zero {shape = [1024 : i64, 512 : i64]} : tensor<f32> -> tensor<1024x512xf32>
  %y = graph.max %x, %z : tensor<1024x512xf32>, tensor<1024x512xf32> -> tensor<1024x512xf32>
  func.return %y : tensor<1024x512xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @too_large(%x: tensor<1024x512xf32>) -> tensor<1024x512xf32> {
// CHECK-NEXT:     %zero = graph.constant {value = dense<0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %z = graph.broadcast_to %zero {shape = [1024 : i64, 512 : i64]} : tensor<f32> -> tensor<1024x512xf32>
// CHECK-NEXT:     %y = graph.max %x, %z : tensor<1024x512xf32>, tensor<1024x512xf32> -> tensor<1024x512xf32>
// CHECK-NEXT:     func.return %y : tensor<1024x512xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
