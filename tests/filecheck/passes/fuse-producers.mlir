// RUN: penstock-opt %s -p fuse-producers --split-input-file | filecheck %s

// Each element is read once.
func.func @sum_of_values(%x: memref<4x3xf32>, %y: memref<4xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4x3xf32>
  nest.compute [i = 4, k = 3] ins(%x["i, k"] : memref<4x3xf32>) outs(%t["i, k"] : memref<4x3xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4, k = 3 reduce] ins(%t["i, k"] : memref<4x3xf32>) outs(%y["i"] : memref<4xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %sum: f32):
    %n = arith.addf %sum, %a : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @sum_of_values(%x: memref<4x3xf32>, %y: memref<4xf32>) {
// CHECK-NEXT:     nest.compute [i = 4, k = 3 reduce] ins(%x["i, k"] : memref<4x3xf32>) outs(%y["i"] : memref<4xf32>) init(0.000000e+00 : f32) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%0: f32, %1: f32):
// CHECK-NEXT:       %r = math.exp %0 : f32
// CHECK-NEXT:       %n = arith.addf %1, %r : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum: f32):
// CHECK-NEXT:       nest.yield %sum : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Each exponential would be computed twelve times.
func.func @read_many_times(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4x3xf32>
  nest.compute [m = 4, k = 3] ins(%x["m, k"] : memref<4x3xf32>) outs(%t["m, k"] : memref<4x3xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [m = 4, n = 12, k = 3 reduce] ins(%t["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.0 : f32) {
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
// CHECK-NEXT:   func.func @read_many_times(%x: memref<4x3xf32>, %w: memref<3x12xf32>, %y: memref<4x12xf32>) {
// CHECK-NEXT:     %t = memref.alloc() {alignment = 64 : i64} : memref<4x3xf32>
// CHECK-NEXT:     nest.compute [m = 4, k = 3] ins(%x["m, k"] : memref<4x3xf32>) outs(%t["m, k"] : memref<4x3xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [m = 4, n = 12, k = 3 reduce] ins(%t["m, k"] : memref<4x3xf32>, %w["k, n"] : memref<3x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a_1, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A depthwise window looks beyond the rows, not beyond the channels: it may read its part of more of these.
func.func @channels(%x: memref<8x12xf32>, %w: memref<3x4xf32>, %y: memref<8x4xf32>) {
  %t = memref.alloc() : memref<8x4xf32>
  nest.compute [i = 8, c = 4] ins(%x["i, c + 5"] : memref<8x12xf32>) outs(%t["i, c"] : memref<8x4xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [o = 8, g = 4, k = 3 reduce] ins(%t["o + k - 1, g"] else 0.0 : f32 : memref<8x4xf32>, %w["k, g"] : memref<3x4xf32>) outs(%y["o, g"] : memref<8x4xf32>) init(0.0 : f32) {
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
// CHECK-NEXT:   func.func @channels(%x: memref<8x12xf32>, %w: memref<3x4xf32>, %y: memref<8x4xf32>) {
// CHECK-NEXT:     nest.compute [o = 8, g = 4, k = 3 reduce] ins(%x["o + k - 1, g + 5"] else 0.000000e+00 : f32 : memref<8x12xf32>, %w["k, g"] : memref<3x4xf32>) outs(%y["o, g"] : memref<8x4xf32>) init(0.000000e+00 : f32) attributes {nodes = []} {
// CHECK-NEXT:     ^bb0(%0: f32, %1: f32, %2: f32):
// CHECK-NEXT:       %s = math.fma %0, %1, %2 : f32
// CHECK-NEXT:       nest.yield %s : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum: f32):
// CHECK-NEXT:       nest.yield %sum : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Beyond the first rows there are others, and no zeros.
func.func @rows(%x: memref<12x4xf32>, %w: memref<3x4xf32>, %y: memref<8x4xf32>) {
  %t = memref.alloc() : memref<8x4xf32>
  nest.compute [i = 8, c = 4] ins(%x["i, c"] : memref<12x4xf32>) outs(%t["i, c"] : memref<8x4xf32>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  nest.compute [o = 8, g = 4, k = 3 reduce] ins(%t["o + k - 1, g"] else 0.0 : f32 : memref<8x4xf32>, %w["k, g"] : memref<3x4xf32>) outs(%y["o, g"] : memref<8x4xf32>) init(0.0 : f32) {
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
// CHECK-NEXT:   func.func @rows(%x: memref<12x4xf32>, %w: memref<3x4xf32>, %y: memref<8x4xf32>) {
// CHECK-NEXT:     %t = memref.alloc() : memref<8x4xf32>
// CHECK-NEXT:     nest.compute [i = 8, c = 4] ins(%x["i, c"] : memref<12x4xf32>) outs(%t["i, c"] : memref<8x4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [o = 8, g = 4, k = 3 reduce] ins(%t["o + k - 1, g"] else 0.000000e+00 : f32 : memref<8x4xf32>, %w["k, g"] : memref<3x4xf32>) outs(%y["o, g"] : memref<8x4xf32>) init(0.000000e+00 : f32) {
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
