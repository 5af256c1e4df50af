// RUN: penstock-opt %s -p block-reductions --split-input-file | filecheck %s

// Few of the 24 rows fit beside a panel of weights: the sum is formed in two blocks, the second of which goes on
// from the result and finishes it.
builtin.module attributes {nest.machine = {vector_bytes = 32 : i64, l2 = 65536 : i64}} {
  func.func @k(%x: memref<24x384xf32>, %w: memref<384x8xf32> {nest.constant}, %b: memref<8xf32> {nest.constant}, %y: memref<24x8xf32>) attributes {nest.kernel} {
    nest.compute [m = 24, n = 8, k = 384 reduce] ins(%x["m, k"] : memref<24x384xf32>, %w["k, n"] : memref<384x8xf32>) with(%b["n"] : memref<8xf32>) outs(%y["m, n"] : memref<24x8xf32>) init(0.0 : f32) {
    ^bb0(%0: f32, %1: f32, %2: f32):
      %3 = math.fma %0, %1, %2 : f32
      nest.yield %3 : f32
    } {
    ^bb0(%4: f32, %5: f32):
      %6 = arith.addf %4, %5 : f32
      nest.yield %6 : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {vector_bytes = 32 : i64, l2 = 65536 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<24x384xf32>, %w: memref<384x8xf32> {nest.constant}, %b: memref<8xf32> {nest.constant}, %y: memref<24x8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 24, n = 8, k = 192 reduce] ins(%x["m, k"] : memref<24x384xf32>, %w["k, n"] : memref<384x8xf32>) outs(%y["m, n"] : memref<24x8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%0: f32, %1: f32, %2: f32):
// CHECK-NEXT:       %3 = math.fma %0, %1, %2 : f32
// CHECK-NEXT:       nest.yield %3 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%4: f32):
// CHECK-NEXT:       nest.yield %4 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 24, n = 8, k = 192 reduce] ins(%x["m, k + 192"] : memref<24x384xf32>, %w["k + 192, n"] : memref<384x8xf32>) with(%y["m, n"] : memref<24x8xf32>, %b["n"] : memref<8xf32>) outs(%y["m, n"] : memref<24x8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%5: f32, %6: f32, %7: f32):
// CHECK-NEXT:       %8 = math.fma %5, %6, %7 : f32
// CHECK-NEXT:       nest.yield %8 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%9: f32, %10: f32, %11: f32):
// CHECK-NEXT:       %12 = arith.addf %10, %9 : f32
// CHECK-NEXT:       %13 = arith.addf %12, %11 : f32
// CHECK-NEXT:       nest.yield %13 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Six rows are one register tile: every weight is used once.
builtin.module attributes {nest.machine = {vector_bytes = 32 : i64, l2 = 8192 : i64}} {
  func.func @k(%x: memref<6x384xf32>, %w: memref<384x8xf32> {nest.constant}, %y: memref<6x8xf32>) attributes {nest.kernel} {
    nest.compute [m = 6, n = 8, k = 384 reduce] ins(%x["m, k"] : memref<6x384xf32>, %w["k, n"] : memref<384x8xf32>) outs(%y["m, n"] : memref<6x8xf32>) init(0.0 : f32) {
    ^bb0(%0: f32, %1: f32, %2: f32):
      %3 = math.fma %0, %1, %2 : f32
      nest.yield %3 : f32
    } {
    ^bb0(%4: f32):
      nest.yield %4 : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {vector_bytes = 32 : i64, l2 = 8192 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<6x384xf32>, %w: memref<384x8xf32> {nest.constant}, %y: memref<6x8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 6, n = 8, k = 384 reduce] ins(%x["m, k"] : memref<6x384xf32>, %w["k, n"] : memref<384x8xf32>) outs(%y["m, n"] : memref<6x8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%0: f32, %1: f32, %2: f32):
// CHECK-NEXT:       %3 = math.fma %0, %1, %2 : f32
// CHECK-NEXT:       nest.yield %3 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%4: f32):
// CHECK-NEXT:       nest.yield %4 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
