// RUN: penstock-opt %s --split-input-file --verify-diagnostics | filecheck %s

func.func @the_state_changes_its_shape(%h: tensor<2xf32>, %w: tensor<3xf32>) {
  %last = graph.loop states(%h : tensor<2xf32>) captures(%w : tensor<3xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>, %c: tensor<3xf32>):
    graph.yield %c : tensor<3xf32>
  } -> tensor<2xf32> {steps = 3 : i64}
  func.return
}

// CHECK: graph.loop: the states ['tensor<2xf32>'] become ['tensor<3xf32>']

// -----

func.func @nothing_ends_it(%h: tensor<2xf32>) {
  %last = graph.loop states(%h : tensor<2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>):
    graph.yield %s : tensor<2xf32>
  } -> tensor<2xf32>
  func.return
}

// CHECK: graph.loop: nothing says when it ends

// -----

func.func @too_few_slices(%x: tensor<2x4xf32>) {
  %all = graph.loop scans(%x : tensor<2x4xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    graph.yield %s : tensor<4xf32>
  } -> tensor<3x4xf32> {steps = 3 : i64}
  func.return
}

// CHECK: graph.loop: tensor<2x4xf32> has no 3 slices to scan

// -----

func.func @two_types(%c: tensor<i1>, %x: tensor<2xf32>) {
  %y = graph.if %c : tensor<i1> captures(%x : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>):
    graph.yield %a : tensor<2xf32>
  } else {
  ^bb0(%a: tensor<2xf32>):
    graph.yield %a, %a : tensor<2xf32>, tensor<2xf32>
  } -> tensor<2xf32>
  func.return
}

// CHECK: graph.if: one region gives ['tensor<2xf32>'], one ['tensor<2xf32>', 'tensor<2xf32>']

// -----

func.func @many_conditions(%c: tensor<2xi1>) {
  graph.if %c : tensor<2xi1> {
    graph.yield
  } else {
    graph.yield
  }
  func.return
}

// CHECK: graph.if: the condition is tensor<2xi1>, it must be one i1

// -----

func.func @a_capture_that_no_argument_takes(%c: tensor<i1>, %x: tensor<2xf32>) {
  graph.if %c : tensor<i1> captures(%x : tensor<2xf32>) {
    graph.yield
  } else {
    graph.yield
  }
  func.return
}

// CHECK: graph.if: a region takes [], it is given ['tensor<2xf32>']

// -----

func.func @two_formulas(%h: tensor<2xf32>) {
  %last = graph.loop states(%h : tensor<2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>):
    graph.yield %s : tensor<2xf32>
  } -> tensor<2xf32> {steps = ["a", "b"]}
  func.return
}

// CHECK: graph.loop: ["a", "b"] does not say how often it runs
