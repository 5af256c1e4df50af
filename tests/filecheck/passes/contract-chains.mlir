// RUN: penstock-opt %s -p contract-chains --split-input-file | filecheck %s

// One iteration of %t is all there is; %e takes its place.
func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>) {
  %t = memref.alloc() : memref<8x64xf32>
  %e = memref.alloc() : memref<8x64xf32>
  nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = arith.negf %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 8, i = 64] ins(%t["h, i"] : memref<8x64xf32>) outs(%e["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 8, i = 64] ins(%e["h, i"] : memref<8x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.sqrt %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<1x64xf32>
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["0, i"] : memref<1x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = arith.negf %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%t["0, i"] : memref<1x64xf32>) outs(%t["0, i"] : memref<1x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%t["0, i"] : memref<1x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       %r_2 = math.sqrt %a_2 : f32
// CHECK-NEXT:       nest.yield %r_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Something else reads %t, so it stays whole.
func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %z: memref<8x64xf32>) {
  %t = memref.alloc() : memref<8x64xf32>
  nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = arith.negf %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 8, i = 64] ins(%t["h, i"] : memref<8x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 8, j = 64] ins(%t["i, j"] : memref<8x64xf32>) outs(%z["i, j"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %z: memref<8x64xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<8x64xf32>
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = arith.negf %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%t["h, i"] : memref<8x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 8, j = 64] ins(%t["i, j"] : memref<8x64xf32>) outs(%z["i, j"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       %r_2 = math.exp %a_2 : f32
// CHECK-NEXT:       nest.yield %r_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Another nest has written a part of %e, which must not take the place of %t.
func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %z: memref<8x64xf32>) {
  %t = memref.alloc() : memref<8x64xf32>
  %e = memref.alloc() : memref<8x64xf32>
  nest.compute [h = 8] ins(%x["h, 63"] : memref<8x64xf32>) outs(%e["h, 63"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = arith.negf %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 8, i = 63] ins(%t["h, i"] : memref<8x64xf32>) outs(%e["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 8, i = 64] ins(%e["h, i"] : memref<8x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) {
  ^bb0(%a: f32):
    %r = math.sqrt %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<8x64xf32>, %y: memref<8x64xf32>, %z: memref<8x64xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<1x64xf32>
// CHECK-NEXT:     %e = memref.alloc() : memref<8x64xf32>
// CHECK-NEXT:     nest.compute [h = 8] ins(%x["h, 63"] : memref<8x64xf32>) outs(%e["h, 63"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%x["h, i"] : memref<8x64xf32>) outs(%t["0, i"] : memref<1x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r = arith.negf %a_1 : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 63] ins(%t["0, i"] : memref<1x64xf32>) outs(%e["h, i"] : memref<8x64xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_2 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 8, i = 64] ins(%e["h, i"] : memref<8x64xf32>) outs(%y["h, i"] : memref<8x64xf32>) {
// CHECK-NEXT:     ^bb0(%a_3: f32):
// CHECK-NEXT:       %r_2 = math.sqrt %a_3 : f32
// CHECK-NEXT:       nest.yield %r_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
