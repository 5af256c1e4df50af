// RUN: penstock-opt %s --split-input-file | filecheck %s

func.func @loop(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<2xf32>) {
  %last, %all = graph.loop states(%h : tensor<2xf32>) scans(%x : tensor<3x2xf32>) captures(%w : tensor<2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>, %t: tensor<2xf32>, %c: tensor<2xf32>):
    %n = graph.add %s, %t : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
    graph.yield %n, %c : tensor<2xf32>, tensor<2xf32>
  } -> tensor<2xf32>, tensor<3x2xf32> {steps = 3 : i64, backwards = array<i64: 0>}
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @loop(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<2xf32>) {
// CHECK-NEXT:     %last, %all = graph.loop states(%h : tensor<2xf32>) scans(%x : tensor<3x2xf32>) captures(%w : tensor<2xf32>) {
// CHECK-NEXT:     ^bb0(%i: tensor<i64>, %s: tensor<2xf32>, %t: tensor<2xf32>, %c: tensor<2xf32>):
// CHECK-NEXT:       %n = graph.add %s, %t : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:       graph.yield %n, %c : tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT:     } -> tensor<2xf32>, tensor<3x2xf32> {steps = 3 : i64, backwards = array<i64: 0>}
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @while(%n: tensor<i64>, %go: tensor<i1>, %h: tensor<2xf32>) {
  %last = graph.loop limit(%n : tensor<i64>) going(%go : tensor<i1>) states(%h : tensor<2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>):
    %again = graph.less %i, %i : tensor<i64>, tensor<i64> -> tensor<i1>
    graph.yield %again, %s : tensor<i1>, tensor<2xf32>
  } -> tensor<2xf32>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @while(%n: tensor<i64>, %go: tensor<i1>, %h: tensor<2xf32>) {
// CHECK-NEXT:     %last = graph.loop limit(%n : tensor<i64>) going(%go : tensor<i1>) states(%h : tensor<2xf32>) {
// CHECK-NEXT:     ^bb0(%i: tensor<i64>, %s: tensor<2xf32>):
// CHECK-NEXT:       %again = graph.less %i, %i : tensor<i64>, tensor<i64> -> tensor<i1>
// CHECK-NEXT:       graph.yield %again, %s : tensor<i1>, tensor<2xf32>
// CHECK-NEXT:     } -> tensor<2xf32>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @branch(%c: tensor<i1>, %x: tensor<2xf32>) {
  %y = graph.if %c : tensor<i1> captures(%x : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>):
    %n = graph.neg %a : tensor<2xf32> -> tensor<2xf32>
    graph.yield %n : tensor<2xf32>
  } else {
  ^bb0(%a: tensor<2xf32>):
    graph.yield %a : tensor<2xf32>
  } -> tensor<2xf32>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @branch(%c: tensor<i1>, %x: tensor<2xf32>) {
// CHECK-NEXT:     %y = graph.if %c : tensor<i1> captures(%x : tensor<2xf32>) {
// CHECK-NEXT:     ^bb0(%a: tensor<2xf32>):
// CHECK-NEXT:       %n = graph.neg %a : tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:       graph.yield %n : tensor<2xf32>
// CHECK-NEXT:     } else {
// CHECK-NEXT:     ^bb0(%a_1: tensor<2xf32>):
// CHECK-NEXT:       graph.yield %a_1 : tensor<2xf32>
// CHECK-NEXT:     } -> tensor<2xf32>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// How often a loop runs may be a formula of sizes.
func.func @open(%h: tensor<?xf32, #graph.dims<["n"]>>, %x: tensor<?x?xf32, #graph.dims<["2*seq", "n"]>>) {
  %last, %all = graph.loop states(%h : tensor<?xf32, #graph.dims<["n"]>>) scans(%x : tensor<?x?xf32, #graph.dims<["2*seq", "n"]>>) {
  ^bb0(%i: tensor<i64>, %s: tensor<?xf32, #graph.dims<["n"]>>, %t: tensor<?xf32, #graph.dims<["n"]>>):
    graph.yield %t, %s : tensor<?xf32, #graph.dims<["n"]>>, tensor<?xf32, #graph.dims<["n"]>>
  } -> tensor<?xf32, #graph.dims<["n"]>>, tensor<?x?xf32, #graph.dims<["2*seq", "n"]>> {steps = ["2*seq"]}
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open(%h: tensor<?xf32, #graph.dims<["n"]>>, %x: tensor<?x?xf32, #graph.dims<["2*seq", "n"]>>) {
// CHECK-NEXT:     %last, %all = graph.loop states(%h : tensor<?xf32, #graph.dims<["n"]>>) scans(%x : tensor<?x?xf32, #graph.dims<["2*seq", "n"]>>) {
// CHECK-NEXT:     ^bb0(%i: tensor<i64>, %s: tensor<?xf32, #graph.dims<["n"]>>, %t: tensor<?xf32, #graph.dims<["n"]>>):
// CHECK-NEXT:       graph.yield %t, %s : tensor<?xf32, #graph.dims<["n"]>>, tensor<?xf32, #graph.dims<["n"]>>
// CHECK-NEXT:     } -> tensor<?xf32, #graph.dims<["n"]>>, tensor<?x?xf32, #graph.dims<["2*seq", "n"]>> {steps = ["2*seq"]}
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
