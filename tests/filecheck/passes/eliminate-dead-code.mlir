// RUN: penstock-opt %s -p eliminate-dead-code --split-input-file | filecheck %s

func.func @dangling_chain(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = graph.exp %x : tensor<2xf32> -> tensor<2xf32>
  %b = graph.neg %a : tensor<2xf32> -> tensor<2xf32>
  %y = graph.abs %x : tensor<2xf32> -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @dangling_chain(%x: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %y = graph.abs %x : tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %y : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// One result is enough to keep an op.
func.func @one_of_two(%x: tensor<4xf32>) -> tensor<2xi64> {
  %v, %i = graph.top_k %x {k = [2 : i64], axis = 0 : i64} : tensor<4xf32> -> tensor<2xf32>, tensor<2xi64>
  func.return %i : tensor<2xi64>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @one_of_two(%x: tensor<4xf32>) -> tensor<2xi64> {
// CHECK-NEXT:     %v, %i = graph.top_k %x {k = [2 : i64], axis = 0 : i64} : tensor<4xf32> -> tensor<2xf32>, tensor<2xi64>
// CHECK-NEXT:     func.return %i : tensor<2xi64>
// CHECK-NEXT:   }
// CHECK-NEXT: }
