// RUN: penstock-opt %s -p eliminate-common-subexpressions --split-input-file | filecheck %s

func.func @same(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = graph.exp %x {nodes = ["first"]} : tensor<2xf32> -> tensor<2xf32>
  %b = graph.exp %x {nodes = ["second"]} : tensor<2xf32> -> tensor<2xf32>
  %y = graph.add %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @same(%x: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %a = graph.exp %x {nodes = ["first", "second"]} : tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     %y = graph.add %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %y : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @other_property(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = graph.softmax %x {axis = 0 : i64} : tensor<2x2xf32> -> tensor<2x2xf32>
  %b = graph.softmax %x {axis = 1 : i64} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y = graph.add %a, %b : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @other_property(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
// CHECK-NEXT:     %a = graph.softmax %x {axis = 0 : i64} : tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %b = graph.softmax %x {axis = 1 : i64} : tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     %y = graph.add %a, %b : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:     func.return %y : tensor<2x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Equal constants are one; zeros of other sign are not equal.
func.func @constants(%x: tensor<f32>) -> tensor<f32> {
  %a = graph.constant {value = dense<0.0> : tensor<f32>} -> tensor<f32>
  %b = graph.constant {value = dense<0.0> : tensor<f32>} -> tensor<f32>
  %c = graph.constant {value = dense<-0.0> : tensor<f32>} -> tensor<f32>
  %d = graph.div %x, %a : tensor<f32>, tensor<f32> -> tensor<f32>
  %e = graph.div %d, %b : tensor<f32>, tensor<f32> -> tensor<f32>
  %y = graph.div %e, %c : tensor<f32>, tensor<f32> -> tensor<f32>
  func.return %y : tensor<f32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @constants(%x: tensor<f32>) -> tensor<f32> {
// CHECK-NEXT:     %a = graph.constant {value = dense<0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %c = graph.constant {value = dense<-0.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %d = graph.div %x, %a : tensor<f32>, tensor<f32> -> tensor<f32>
// CHECK-NEXT:     %e = graph.div %d, %a : tensor<f32>, tensor<f32> -> tensor<f32>
// CHECK-NEXT:     %y = graph.div %e, %c : tensor<f32>, tensor<f32> -> tensor<f32>
// CHECK-NEXT:     func.return %y : tensor<f32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
