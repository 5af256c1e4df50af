// RUN: penstock-opt %s -p lower-graph-to-nest,outline-kernels,plan-schedule,tile,interchange,pack-constants | filecheck %s

// The columns of the weights are cut into blocks of one tile, the last one filled with zeros.
func.func @main(%x: tensor<13x3xf32>) -> tensor<13x20xf32> {
  %w = graph.constant {value = dense<0.5> : tensor<3x20xf32>} -> tensor<3x20xf32>
  %y = graph.matmul %x, %w : tensor<13x3xf32>, tensor<3x20xf32> -> tensor<13x20xf32>
  func.return %y : tensor<13x20xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<13x3xf32>, %1: memref<13x20xf32>) {
// CHECK-NEXT:     %2 = memref.alloc() {alignment = 64 : i64} : memref<13x20xf32>
// CHECK-NEXT:     %3 = nest.constant <"constant.packed", "8b977b7d822148b1"> : memref<3x3x8xf32>
// CHECK-NEXT:     func.call @k0(%0, %3, %2) : (memref<13x3xf32>, memref<3x3x8xf32>, memref<13x20xf32>) -> ()
// CHECK-NEXT:     func.call @k1(%2, %1) : (memref<13x20xf32>, memref<13x20xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k0(%0: memref<13x3xf32> {llvm.noalias}, %1: memref<3x3x8xf32> {llvm.noalias, nest.constant}, %2: memref<13x20xf32> {llvm.noalias, nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 1, n = 2, k = 3 reduce, m.r = 7, n.r = 8] ins(%0["7*m + m.r, k"] : memref<13x3xf32>, %1["n, k, n.r"] : memref<3x3x8xf32>) outs(%2["7*m + m.r, 8*n + n.r"] : memref<13x20xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 7 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%3: f32, %4: f32, %5: f32):
// CHECK-NEXT:       %6 = arith.mulf %3, %4 : f32
// CHECK-NEXT:       %7 = arith.addf %5, %6 : f32
// CHECK-NEXT:       nest.yield %7 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%8: f32):
// CHECK-NEXT:       nest.yield %8 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 1, n = 1, k = 3 reduce, m.r = 7, n.r = 4] ins(%0["7*m + m.r, k"] : memref<13x3xf32>, %1["2, k, n.r"] : memref<3x3x8xf32>) outs(%2["7*m + m.r, 4*n + n.r + 16"] : memref<13x20xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 7 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%9: f32, %10: f32, %11: f32):
// CHECK-NEXT:       %12 = arith.mulf %9, %10 : f32
// CHECK-NEXT:       %13 = arith.addf %11, %12 : f32
// CHECK-NEXT:       nest.yield %13 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%14: f32):
// CHECK-NEXT:       nest.yield %14 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 1, n = 2, k = 3 reduce, m.r = 6, n.r = 8] ins(%0["6*m + m.r + 7, k"] : memref<13x3xf32>, %1["n, k, n.r"] : memref<3x3x8xf32>) outs(%2["6*m + m.r + 7, 8*n + n.r"] : memref<13x20xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 7 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%15: f32, %16: f32, %17: f32):
// CHECK-NEXT:       %18 = arith.mulf %15, %16 : f32
// CHECK-NEXT:       %19 = arith.addf %17, %18 : f32
// CHECK-NEXT:       nest.yield %19 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%20: f32):
// CHECK-NEXT:       nest.yield %20 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 1, n = 1, k = 3 reduce, m.r = 6, n.r = 4] ins(%0["6*m + m.r + 7, k"] : memref<13x3xf32>, %1["2, k, n.r"] : memref<3x3x8xf32>) outs(%2["6*m + m.r + 7, 4*n + n.r + 16"] : memref<13x20xf32>) init(0.000000e+00 : f32) attributes {schedule = {order = ["m", "n", "k"], tiles = {m = 7 : i64, n = 8 : i64}, unroll = ["k"], vector = "n", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%21: f32, %22: f32, %23: f32):
// CHECK-NEXT:       %24 = arith.mulf %21, %22 : f32
// CHECK-NEXT:       %25 = arith.addf %23, %24 : f32
// CHECK-NEXT:       nest.yield %25 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%26: f32):
// CHECK-NEXT:       nest.yield %26 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k1(%0: memref<13x20xf32> {llvm.noalias}, %1: memref<13x20xf32> {llvm.noalias, nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [d0 = 13, d1 = 1, d1.r = 20] ins(%0["d0, 20*d1 + d1.r"] : memref<13x20xf32>) outs(%1["d0, 20*d1 + d1.r"] : memref<13x20xf32>) attributes {schedule = {order = ["d0", "d1"], tiles = {d1 = 20 : i64}, unroll = [], vector = "d1", lanes = 8 : i64}} {
// CHECK-NEXT:     ^bb0(%2: f32):
// CHECK-NEXT:       nest.yield %2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
