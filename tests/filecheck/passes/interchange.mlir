// RUN: penstock-opt %s -p interchange --split-input-file | filecheck %s

// Loops inside of tiles are the innermost, parallel loops stand before reductions.
func.func @k(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel} {
  nest.compute [m = 2, n = 1, k = 3 reduce, m.r = 2, n.r = 8] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 8*n + n.r"] : memref<3x12xf32>) outs(%y["2*m + m.r, 8*n + n.r"] : memref<4x12xf32>) init(0.0 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
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
// CHECK-NEXT:     nest.compute [n = 1, m = 2, k = 3 reduce, m.r = 2, n.r = 8] ins(%x["2*m + m.r, k"] : memref<4x3xf32>, %w["k, 8*n + n.r"] : memref<3x12xf32>) outs(%y["2*m + m.r, 8*n + n.r"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["n", "m", "k"], tiles = {n = 8 : i64, m = 2 : i64}, unroll = ["k"], vector = "n", lanes = 4 : i64}} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
