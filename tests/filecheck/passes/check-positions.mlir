// RUN: penstock-opt %s -p check-positions --split-input-file | filecheck %s

func.func @two(%x: tensor<9x4xf32>, %i: tensor<3xi64>, %t: tensor<2x2xi32>) -> (tensor<3x4xf32>, tensor<2xf32>) {
  %y = graph.gather %x, %i {axis = 0 : i64, graph.positions, nodes = ["pick"]} : tensor<9x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  %z = graph.gather_nd %x, %t {graph.positions, nodes = ["take"]} : tensor<9x4xf32>, tensor<2x2xi32> -> tensor<2xf32>
  func.return %y, %z : tensor<3x4xf32>, tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @two(%x: tensor<9x4xf32>, %i: tensor<3xi64>, %t: tensor<2x2xi32>) -> (tensor<3x4xf32>, tensor<2xf32>, tensor<i64> {graph.status = ["node 'take': a position is outside of the 9 x 4 that there are", "node 'pick': a position is outside of the 9 that there are"]}) {
// CHECK-NEXT:     %y = graph.gather %x, %i {graph.positions, nodes = ["pick"], axis = 0 : i64} : tensor<9x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
// CHECK-NEXT:     %z = graph.gather_nd %x, %t {graph.positions, nodes = ["take"]} : tensor<9x4xf32>, tensor<2x2xi32> -> tensor<2xf32>
// CHECK-NEXT:     %0 = graph.constant {nodes = ["pick"], value = dense<-9> : tensor<1xi64>} -> tensor<1xi64>
// CHECK-NEXT:     %1 = graph.constant {nodes = ["pick"], value = dense<9> : tensor<1xi64>} -> tensor<1xi64>
// CHECK-NEXT:     %2 = graph.less %i, %0 {nodes = ["pick"]} : tensor<3xi64>, tensor<1xi64> -> tensor<3xi1>
// CHECK-NEXT:     %3 = graph.less_equal %1, %i {nodes = ["pick"]} : tensor<1xi64>, tensor<3xi64> -> tensor<3xi1>
// CHECK-NEXT:     %4 = graph.or %2, %3 {nodes = ["pick"]} : tensor<3xi1>, tensor<3xi1> -> tensor<3xi1>
// CHECK-NEXT:     %5 = graph.cast %4 {nodes = ["pick"], to = i64} : tensor<3xi1> -> tensor<3xi64>
// CHECK-NEXT:     %6 = graph.constant {nodes = ["pick"], value = dense<2> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %7 = graph.mul %5, %6 {nodes = ["pick"]} : tensor<3xi64>, tensor<i64> -> tensor<3xi64>
// CHECK-NEXT:     %8 = graph.reduce_max %7 {nodes = ["pick"], axes = array<i64: 0>, keepdims = false} : tensor<3xi64> -> tensor<i64>
// CHECK-NEXT:     %9 = graph.constant {nodes = ["take"], value = dense<[-9, -4]> : tensor<2xi32>} -> tensor<2xi32>
// CHECK-NEXT:     %10 = graph.constant {nodes = ["take"], value = dense<[9, 4]> : tensor<2xi32>} -> tensor<2xi32>
// CHECK-NEXT:     %11 = graph.less %t, %9 {nodes = ["take"]} : tensor<2x2xi32>, tensor<2xi32> -> tensor<2x2xi1>
// CHECK-NEXT:     %12 = graph.less_equal %10, %t {nodes = ["take"]} : tensor<2xi32>, tensor<2x2xi32> -> tensor<2x2xi1>
// CHECK-NEXT:     %13 = graph.or %11, %12 {nodes = ["take"]} : tensor<2x2xi1>, tensor<2x2xi1> -> tensor<2x2xi1>
// CHECK-NEXT:     %14 = graph.cast %13 {nodes = ["take"], to = i64} : tensor<2x2xi1> -> tensor<2x2xi64>
// CHECK-NEXT:     %15 = graph.constant {nodes = ["take"], value = dense<1> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %16 = graph.mul %14, %15 {nodes = ["take"]} : tensor<2x2xi64>, tensor<i64> -> tensor<2x2xi64>
// CHECK-NEXT:     %17 = graph.reduce_max %16 {nodes = ["take"], axes = array<i64: 0, 1>, keepdims = false} : tensor<2x2xi64> -> tensor<i64>
// CHECK-NEXT:     %18 = graph.max %8, %17 {nodes = ["take"]} : tensor<i64>, tensor<i64> -> tensor<i64>
// CHECK-NEXT:     func.return %y, %z, %18 : tensor<3x4xf32>, tensor<2xf32>, tensor<i64>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Positions that do not depend on arguments were checked before, and unmarked ones are known to be inside.
func.func @nothing(%x: tensor<9x4xf32>, %i: tensor<3xi64>) -> (tensor<4xf32>, tensor<3x4xf32>) {
  %k = graph.constant {value = dense<2> : tensor<i64>} -> tensor<i64>
  %y = graph.gather %x, %k {axis = 0 : i64, graph.positions} : tensor<9x4xf32>, tensor<i64> -> tensor<4xf32>
  %z = graph.gather %x, %i {axis = 0 : i64} : tensor<9x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  func.return %y, %z : tensor<4xf32>, tensor<3x4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @nothing(%x: tensor<9x4xf32>, %i: tensor<3xi64>) -> (tensor<4xf32>, tensor<3x4xf32>) {
// CHECK-NEXT:     %k = graph.constant {value = dense<2> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %y = graph.gather %x, %k {graph.positions, axis = 0 : i64} : tensor<9x4xf32>, tensor<i64> -> tensor<4xf32>
// CHECK-NEXT:     %z = graph.gather %x, %i {axis = 0 : i64} : tensor<9x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
// CHECK-NEXT:     func.return %y, %z : tensor<4xf32>, tensor<3x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Sizes that a call decides: the bound is one of them, and no positions at all are no failure.
func.func @open(%x: tensor<?x4xf32, #graph.dims<["n", ""]>>, %i: tensor<?xi32, #graph.dims<["m"]>>) -> tensor<?x4xf32, #graph.dims<["m", ""]>> {
  %y = graph.gather %x, %i {axis = 0 : i64, graph.positions} : tensor<?x4xf32, #graph.dims<["n", ""]>>, tensor<?xi32, #graph.dims<["m"]>> -> tensor<?x4xf32, #graph.dims<["m", ""]>>
  func.return %y : tensor<?x4xf32, #graph.dims<["m", ""]>>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open(%x: tensor<?x4xf32, #graph.dims<["n", ""]>>, %i: tensor<?xi32, #graph.dims<["m"]>>) -> (tensor<?x4xf32, #graph.dims<["m", ""]>>, tensor<i64> {graph.status = ["node graph.gather: a position is outside of the n that there are"]}) {
// CHECK-NEXT:     %y = graph.gather %x, %i {graph.positions, axis = 0 : i64} : tensor<?x4xf32, #graph.dims<["n", ""]>>, tensor<?xi32, #graph.dims<["m"]>> -> tensor<?x4xf32, #graph.dims<["m", ""]>>
// CHECK-NEXT:     %0 = graph.range {nodes = [], bounds = ["n", 1 : i64, 1 : i64], element = i32} : tensor<1xi32>
// CHECK-NEXT:     %1 = graph.concat %0 {nodes = [], axis = 0 : i64} : tensor<1xi32> -> tensor<1xi32>
// CHECK-NEXT:     %2 = graph.constant {nodes = [], value = dense<0> : tensor<i32>} -> tensor<i32>
// CHECK-NEXT:     %3 = graph.sub %2, %1 {nodes = []} : tensor<i32>, tensor<1xi32> -> tensor<1xi32>
// CHECK-NEXT:     %4 = graph.less %i, %3 {nodes = []} : tensor<?xi32, #graph.dims<["m"]>>, tensor<1xi32> -> tensor<?xi1, #graph.dims<["m"]>>
// CHECK-NEXT:     %5 = graph.less_equal %1, %i {nodes = []} : tensor<1xi32>, tensor<?xi32, #graph.dims<["m"]>> -> tensor<?xi1, #graph.dims<["m"]>>
// CHECK-NEXT:     %6 = graph.or %4, %5 {nodes = []} : tensor<?xi1, #graph.dims<["m"]>>, tensor<?xi1, #graph.dims<["m"]>> -> tensor<?xi1, #graph.dims<["m"]>>
// CHECK-NEXT:     %7 = graph.cast %6 {nodes = [], to = i64} : tensor<?xi1, #graph.dims<["m"]>> -> tensor<?xi64, #graph.dims<["m"]>>
// CHECK-NEXT:     %8 = graph.constant {nodes = [], value = dense<1> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %9 = graph.mul %7, %8 {nodes = []} : tensor<?xi64, #graph.dims<["m"]>>, tensor<i64> -> tensor<?xi64, #graph.dims<["m"]>>
// CHECK-NEXT:     %10 = graph.reduce_max %9 {nodes = [], axes = array<i64: 0>, keepdims = false} : tensor<?xi64, #graph.dims<["m"]>> -> tensor<i64>
// CHECK-NEXT:     %11 = graph.constant {nodes = [], value = dense<0> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %12 = graph.max %10, %11 {nodes = []} : tensor<i64>, tensor<i64> -> tensor<i64>
// CHECK-NEXT:     func.return %y, %12 : tensor<?x4xf32, #graph.dims<["m", ""]>>, tensor<i64>
// CHECK-NEXT:   }
// CHECK-NEXT: }
