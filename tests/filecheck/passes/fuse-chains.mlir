// RUN: penstock-opt %s -p fuse-chains --split-input-file | filecheck %s

// The rows of a softmax: greatest element, exponentials, their sum.
func.func @softmax(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %s: memref<8x1xf32>) {
  %m = memref.alloc() : memref<8x1xf32>
  nest.compute [r = 8, c = 64 reduce] ins(%x["r, c"] : memref<8x64xf32>) outs(%m["r, 0"] : memref<8x1xf32>) init(0xff800000 : f32) {
  ^bb0(%a: f32, %max: f32):
    %n = arith.maximumf %max, %a : f32
    nest.yield %n : f32
  } {
  ^bb0(%max: f32):
    nest.yield %max : f32
  }
  %e = memref.alloc() : memref<8x64xf32>
  nest.compute [i = 8, j = 64] ins(%x["i, j"] : memref<8x64xf32>, %m["i, 0"] : memref<8x1xf32>) outs(%e["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32, %max: f32):
    %d = arith.subf %a, %max : f32
    nest.yield %d : f32
  }
  nest.compute [i = 8, j = 64] ins(%e["i, j"] : memref<8x64xf32>) outs(%y["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @softmax(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %s: memref<8x1xf32>) {
// CHECK-NEXT:     %m = memref.alloc() : memref<8x1xf32>
// CHECK-NEXT:     %e = memref.alloc() : memref<8x64xf32>
// CHECK-NEXT:     nest.compute [r = 8, c = 64 reduce] ins(%x["r, c"] : memref<8x64xf32>) outs(%m["r, 0"] : memref<8x1xf32>) init(0xff800000 : f32) attributes {together = "r"} {
// CHECK-NEXT:     ^bb0(%a: f32, %max: f32):
// CHECK-NEXT:       %n = arith.maximumf %max, %a : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%max_1: f32):
// CHECK-NEXT:       nest.yield %max_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [r = 8, j = 64] ins(%x["r, j"] : memref<8x64xf32>, %m["r, 0"] : memref<8x1xf32>) outs(%e["r, j"] : memref<8x64xf32>) attributes {together = "r"} {
// CHECK-NEXT:     ^bb0(%a_1: f32, %max_2: f32):
// CHECK-NEXT:       %d = arith.subf %a_1, %max_2 : f32
// CHECK-NEXT:       nest.yield %d : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [r = 8, j = 64] ins(%e["r, j"] : memref<8x64xf32>) outs(%y["r, j"] : memref<8x64xf32>) attributes {together = "r"} {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       %r = math.exp %a_2 : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// What the second nest reads of its neighbours is another iteration's.
func.func @halo(%x: memref<8x64xf32>, %y: memref<8x64xf32>) {
  %t = memref.alloc() : memref<8x64xf32>
  nest.compute [i = 8, j = 64] ins(%x["i, j"] : memref<8x64xf32>) outs(%t["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 8, j = 64] ins(%t["i, j"] : memref<8x64xf32>, %t["i - 1, j"] else 0.0 : f32 : memref<8x64xf32>) outs(%y["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @halo(%x: memref<8x64xf32>, %y: memref<8x64xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<8x64xf32>
// CHECK-NEXT:     nest.compute [i = 8, j = 64] ins(%x["i, j"] : memref<8x64xf32>) outs(%t["i, j"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 8, j = 64] ins(%t["i, j"] : memref<8x64xf32>, %t["i - 1, j"] else 0.000000e+00 : f32 : memref<8x64xf32>) outs(%y["i, j"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b: f32):
// CHECK-NEXT:       %r_1 = arith.addf %a_1, %b : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Rows of a product share its weights: they belong into registers.
func.func @shared_operand(%x: memref<8x64xf32>, %w: memref<64x64xf32>, %y: memref<8x64xf32>) {
  %t = memref.alloc() : memref<8x64xf32>
  nest.compute [i = 8, j = 64] ins(%x["i, j"] : memref<8x64xf32>) outs(%t["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [m = 8, n = 64, k = 64 reduce] ins(%t["m, k"] : memref<8x64xf32>, %w["k, n"] : memref<64x64xf32>) outs(%y["m, n"] : memref<8x64xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %s = math.fma %a, %b, %sum : f32
    nest.yield %s : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @shared_operand(%x: memref<8x64xf32>, %w: memref<64x64xf32>, %y: memref<8x64xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<8x64xf32>
// CHECK-NEXT:     nest.compute [i = 8, j = 64] ins(%x["i, j"] : memref<8x64xf32>) outs(%t["i, j"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 8, n = 64, k = 64 reduce] ins(%t["m, k"] : memref<8x64xf32>, %w["k, n"] : memref<64x64xf32>) outs(%y["m, n"] : memref<8x64xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %s = math.fma %a_1, %b, %sum : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// How much of a size that is known only at run time would stay in the cache is not known either.
func.func @open(%x: memref<?x64xf32, #nest.sizes<["n", ""]>>, %y: memref<?x64xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) {
  %t = memref.alloc(%n) : memref<?x64xf32, #nest.sizes<["n", ""]>>
  nest.compute [i = "n", j = 64] ins(%x["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) outs(%t["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = "n", j = 64] ins(%t["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) outs(%y["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) {
  ^bb0(%a: f32):
    %r = math.sqrt %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @open(%x: memref<?x64xf32, #nest.sizes<["n", ""]>>, %y: memref<?x64xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) {
// CHECK-NEXT:     %t = memref.alloc(%n) : memref<?x64xf32, #nest.sizes<["n", ""]>>
// CHECK-NEXT:     nest.compute [i = "n", j = 64] ins(%x["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) outs(%t["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = "n", j = 64] ins(%t["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) outs(%y["i, j"] : memref<?x64xf32, #nest.sizes<["n", ""]>>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.sqrt %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
