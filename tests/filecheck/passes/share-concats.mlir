// RUN: penstock-opt %s -p share-concats | filecheck %s

// %b and %c begin with what %a is; %c with %b, which is longer.  %d is along another axis.
func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>, %z: tensor<2x3xf32>, %w: tensor<2x3xf32>) -> (tensor<2x6xf32>, tensor<2x9xf32>, tensor<2x18xf32>, tensor<6x3xf32>) {
  %a = graph.concat %x, %y {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x6xf32>
  %b = graph.concat %x, %y, %z {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x9xf32>
  %c = graph.concat %w, %x, %y, %z, %x, %y {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x18xf32>
  %d = graph.concat %x, %y, %z {axis = 0 : i64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> -> tensor<6x3xf32>
  func.return %a, %b, %c, %d : tensor<2x6xf32>, tensor<2x9xf32>, tensor<2x18xf32>, tensor<6x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>, %z: tensor<2x3xf32>, %w: tensor<2x3xf32>) -> (tensor<2x6xf32>, tensor<2x9xf32>, tensor<2x18xf32>, tensor<6x3xf32>) {
// CHECK-NEXT:     %a = graph.concat %x, %y {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x6xf32>
// CHECK-NEXT:     %b = graph.concat %a, %z {axis = 1 : i64} : tensor<2x6xf32>, tensor<2x3xf32> -> tensor<2x9xf32>
// CHECK-NEXT:     %c = graph.concat %w, %b, %a {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x9xf32>, tensor<2x6xf32> -> tensor<2x18xf32>
// CHECK-NEXT:     %d = graph.concat %x, %y, %z {axis = 0 : i64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> -> tensor<6x3xf32>
// CHECK-NEXT:     func.return %a, %b, %c, %d : tensor<2x6xf32>, tensor<2x9xf32>, tensor<2x18xf32>, tensor<6x3xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
