// RUN: penstock-opt %s -p fuse-consumers --split-input-file | filecheck %s

// What follows a reduction becomes its epilogue.
func.func @epilogue(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4x12xf32>
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%t["m, n"] : memref<4x12xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  nest.compute [m = 4, n = 12] ins(%t["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @epilogue(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) {
// CHECK-NEXT:     nest.compute [m = 4, n = 12, k = 3 reduce] ins(%x["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.000000e+00 : f32) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       %r = math.exp %0 : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The value is read by two nests.
func.func @shared(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
  nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%t["i"] : memref<4xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4] ins(%t["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>) {
  ^bb0(%a: f32):
    %r = math.sin %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4] ins(%t["i"] : memref<4xf32>) outs(%z["i"] : memref<4xf32>) {
  ^bb0(%a: f32):
    %r = math.cos %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @shared(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) {
// CHECK-NEXT:     %t = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK-NEXT:     nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%t["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4] ins(%t["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.sin %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [i = 4] ins(%t["i"] : memref<4xf32>) outs(%z["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%a_2: f32):
// CHECK-NEXT:       %r_2 = math.cos %a_2 : f32
// CHECK-NEXT:       nest.yield %r_2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// An axis of what a resize makes is walked by two loops.
func.func @resized(%x: memref<4x8xf32>, %z: memref<8x8xf32>, %y: memref<8x8xf32>) {
  %t = memref.alloc() : memref<8x8xf32>
  nest.compute [i = 4, r = 2, j = 8] ins(%x["i, j"] : memref<4x8xf32>) outs(%t["2*i + r, j"] : memref<8x8xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [m = 8, n = 8] ins(%t["m, n"] : memref<8x8xf32>, %z["m, n"] : memref<8x8xf32>) outs(%y["m, n"] : memref<8x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    nest.yield %s : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @resized(%x: memref<4x8xf32>, %z: memref<8x8xf32>, %y: memref<8x8xf32>) {
// CHECK-NEXT:     nest.compute [i = 4, r = 2, j = 8] ins(%x["i, j"] : memref<4x8xf32>, %z["2*i + r, j"] : memref<8x8xf32>) outs(%y["2*i + r, j"] : memref<8x8xf32>) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%0: f32, %1: f32):
// CHECK-NEXT:       %s = arith.addf %0, %1 : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Only every other row is made here: the sum is more than that.
func.func @half(%x: memref<4x8xf32>, %z: memref<8x8xf32>, %y: memref<8x8xf32>) {
  %t = memref.alloc() : memref<8x8xf32>
  nest.compute [i = 4, j = 8] ins(%x["i, j"] : memref<4x8xf32>) outs(%t["2*i, j"] : memref<8x8xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [m = 8, n = 8] ins(%t["m, n"] : memref<8x8xf32>, %z["m, n"] : memref<8x8xf32>) outs(%y["m, n"] : memref<8x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    nest.yield %s : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @half(%x: memref<4x8xf32>, %z: memref<8x8xf32>, %y: memref<8x8xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<8x8xf32>
// CHECK-NEXT:     nest.compute [i = 4, j = 8] ins(%x["i, j"] : memref<4x8xf32>) outs(%t["2*i, j"] : memref<8x8xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 8, n = 8] ins(%t["m, n"] : memref<8x8xf32>, %z["m, n"] : memref<8x8xf32>) outs(%y["m, n"] : memref<8x8xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b: f32):
// CHECK-NEXT:       %s = arith.addf %a_1, %b : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
