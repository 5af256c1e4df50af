// RUN: penstock-opt %s -p simplify-regions --split-input-file | filecheck %s

// A constant is taken in, and what nothing reads is not handed in.
func.func @captures(%c: tensor<i1>, %x: tensor<2xf32>, %u: tensor<2xf32>) -> tensor<2xf32> {
  %two = graph.constant {value = dense<2.0> : tensor<f32>} -> tensor<f32>
  %y = graph.if %c : tensor<i1> captures(%two, %x, %u, %x : tensor<f32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%t: tensor<f32>, %a: tensor<2xf32>, %b: tensor<2xf32>, %d: tensor<2xf32>):
    %n = graph.mul %a, %t : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
    graph.yield %n : tensor<2xf32>
  } else {
  ^bb0(%t: tensor<f32>, %a: tensor<2xf32>, %b: tensor<2xf32>, %d: tensor<2xf32>):
    graph.yield %d : tensor<2xf32>
  } -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @captures(%c: tensor<i1>, %x: tensor<2xf32>, %u: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %two = graph.constant {value = dense<2.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:     %y = graph.if %c : tensor<i1> captures(%x : tensor<2xf32>) {
// CHECK-NEXT:     ^bb0(%a: tensor<2xf32>):
// CHECK-NEXT:       %two_1 = graph.constant {value = dense<2.000000e+00> : tensor<f32>} -> tensor<f32>
// CHECK-NEXT:       %n = graph.mul %a, %two_1 : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
// CHECK-NEXT:       graph.yield %n : tensor<2xf32>
// CHECK-NEXT:     } else {
// CHECK-NEXT:     ^bb0(%a_1: tensor<2xf32>):
// CHECK-NEXT:       graph.yield %a_1 : tensor<2xf32>
// CHECK-NEXT:     } -> tensor<2xf32>
// CHECK-NEXT:     func.return %y : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @known_branch(%x: tensor<2xf32>) -> tensor<2xf32> {
  %false = graph.constant {value = dense<false> : tensor<i1>} -> tensor<i1>
  %y = graph.if %false : tensor<i1> captures(%x : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>):
    graph.yield %a : tensor<2xf32>
  } else {
  ^bb0(%a: tensor<2xf32>):
    %n = graph.neg %a : tensor<2xf32> -> tensor<2xf32>
    graph.yield %n : tensor<2xf32>
  } -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @known_branch(%x: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT:     %false = graph.constant {value = dense<false> : tensor<i1>} -> tensor<i1>
// CHECK-NEXT:     %n = graph.neg %x : tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     func.return %n : tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @one_step(%h: tensor<2xf32>, %x: tensor<1x2xf32>) -> (tensor<2xf32>, tensor<1x2xf32>) {
  %last, %all = graph.loop states(%h : tensor<2xf32>) scans(%x : tensor<1x2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>, %t: tensor<2xf32>):
    %n = graph.add %s, %t : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
    graph.yield %n, %n : tensor<2xf32>, tensor<2xf32>
  } -> tensor<2xf32>, tensor<1x2xf32> {steps = 1 : i64}
  func.return %last, %all : tensor<2xf32>, tensor<1x2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @one_step(%h: tensor<2xf32>, %x: tensor<1x2xf32>) -> (tensor<2xf32>, tensor<1x2xf32>) {
// CHECK-NEXT:     %0 = graph.constant {value = dense<0> : tensor<i64>} -> tensor<i64>
// CHECK-NEXT:     %1 = graph.reshape %x {shape = [2 : i64]} : tensor<1x2xf32> -> tensor<2xf32>
// CHECK-NEXT:     %n = graph.add %h, %1 : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:     %all = graph.reshape %n {shape = [1 : i64, 2 : i64]} : tensor<2xf32> -> tensor<1x2xf32>
// CHECK-NEXT:     func.return %n, %all : tensor<2xf32>, tensor<1x2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A state that stays as it is becomes a capture; what is collected and not read is not collected.
func.func @unchanged(%h: tensor<2xf32>, %g: tensor<2xf32>, %x: tensor<3x2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a, %b, %all, %more = graph.loop states(%h, %g : tensor<2xf32>, tensor<2xf32>) scans(%x : tensor<3x2xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<2xf32>, %t: tensor<2xf32>, %r: tensor<2xf32>):
    %n = graph.add %s, %t : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
    graph.yield %s, %n, %n, %r : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  } -> tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32> {steps = 3 : i64, backwards = array<i64: 0, 2>}
  %y = graph.neg %more : tensor<3x2xf32> -> tensor<3x2xf32>
  func.return %a, %b : tensor<2xf32>, tensor<2xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @unchanged(%h: tensor<2xf32>, %g: tensor<2xf32>, %x: tensor<3x2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
// CHECK-NEXT:     %b, %more = graph.loop states(%g : tensor<2xf32>) scans(%x : tensor<3x2xf32>) captures(%h : tensor<2xf32>) {
// CHECK-NEXT:     ^bb0(%i: tensor<i64>, %t: tensor<2xf32>, %r: tensor<2xf32>, %s: tensor<2xf32>):
// CHECK-NEXT:       %n = graph.add %s, %t : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:       graph.yield %n, %r : tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT:     } -> tensor<2xf32>, tensor<3x2xf32> {steps = 3 : i64, backwards = array<i64: 0, 1>}
// CHECK-NEXT:     %y = graph.neg %more : tensor<3x2xf32> -> tensor<3x2xf32>
// CHECK-NEXT:     func.return %h, %b : tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }
