// RUN: penstock-opt %s -p lower-graph-to-nest | filecheck %s

// What the body of a loop needs is asked of calls that run it: of no rows, none is picked.
func.func @main(%h: tensor<f32>, %x: tensor<?xf32, #graph.dims<["n"]>>, %at: tensor<?xi64, #graph.dims<["seq"]>>) -> tensor<f32> {
  %last = graph.loop states(%h : tensor<f32>) scans(%at : tensor<?xi64, #graph.dims<["seq"]>>) captures(%x : tensor<?xf32, #graph.dims<["n"]>>) {
  ^bb0(%i: tensor<i64>, %s: tensor<f32>, %a: tensor<i64>, %t: tensor<?xf32, #graph.dims<["n"]>>):
    %p = graph.gather %t, %a {axis = 0 : i64} : tensor<?xf32, #graph.dims<["n"]>>, tensor<i64> -> tensor<f32>
    %m = graph.add %s, %p : tensor<f32>, tensor<f32> -> tensor<f32>
    graph.yield %m : tensor<f32>
  } -> tensor<f32> {steps = ["seq"]}
  func.return %last : tensor<f32>
}

// CHECK: builtin.module attributes {graph.requires = ["-n <= -1 or seq == 0"]} {
