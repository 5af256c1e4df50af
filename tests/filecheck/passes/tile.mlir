// RUN: penstock-opt %s -p tile --split-input-file | filecheck %s

// Twelve columns are one whole tile and a rest.
func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.0 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 2, n = 1, k = 3 reduce, n.r = 8, m.r = 2] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 8*n + n.r"] : memref<3x12xf32>) outs(%y["2*m + m.r, 8*n + n.r"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 2, n = 1, k = 3 reduce, n.r = 4, m.r = 2] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 4*n + n.r + 8"] : memref<3x12xf32>) outs(%y["2*m + m.r, 4*n + n.r + 8"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b_1: f32, %sum_2: f32):
// CHECK-NEXT:       %n_1 = math.fma %a_1, %b_1, %sum_2 : f32
// CHECK-NEXT:       nest.yield %n_1 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_3: f32):
// CHECK-NEXT:       nest.yield %sum_3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Of a size that a call decides, what whole tiles leave over runs one by one.
func.func @open(%x: memref<?x4xf32, #nest.sizes<["n", ""]>>, %y: memref<?x4xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
  nest.compute [m = "n", c = 4] ins(%x["m, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["m, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open(%x: memref<?x4xf32, #nest.sizes<["n", ""]>>, %y: memref<?x4xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = "n//6", c = 4, m.r = 6] ins(%x["6*m + m.r, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["6*m + m.r, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = "n//2 - 3*(n//6)", c = 4, m.r = 2] ins(%x["2*m + m.r + {6*(n//6)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["2*m + m.r + {6*(n//6)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       nest.yield %a_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = "n - 2*(n//2)", c = 4, m.r = 1] ins(%x["m + m.r + {2*(n//2)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) outs(%y["m + m.r + {2*(n//2)}, c"] : memref<?x4xf32, #nest.sizes<["n", ""]>>) attributes {schedule = {order = ["m", "c"], tiles = {m = 6 : i64}, unroll = [], vector = "", lanes = 1 : i64}} {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       nest.yield %a_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
