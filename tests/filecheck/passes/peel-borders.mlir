// RUN: penstock-opt %s -p peel-borders --split-input-file | filecheck %s

// Taps outside of the buffer add nothing: the borders have shorter loops, the interior has no test.
func.func @conv(%x: memref<8xf32>, %w: memref<3xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
  nest.compute [o = 8, k = 3 reduce] ins(%x["o + k - 1"] else 0.0 : f32 : memref<8xf32>, %w["k"] : memref<3xf32>) outs(%y["o"] : memref<8xf32>) init(0.0 : f32) {
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
// CHECK-NEXT:   func.func @conv(%x: memref<8xf32>, %w: memref<3xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [o = 1, k = 2 reduce] ins(%x["o + k"] : memref<8xf32>, %w["k + 1"] : memref<3xf32>) outs(%y["o"] : memref<8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a: f32, %b: f32, %sum: f32):
// CHECK-NEXT:       %n = math.fma %a, %b, %sum : f32
// CHECK-NEXT:       nest.yield %n : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_1: f32):
// CHECK-NEXT:       nest.yield %sum_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [o = 6, k = 3 reduce] ins(%x["o + k"] : memref<8xf32>, %w["k"] : memref<3xf32>) outs(%y["o + 1"] : memref<8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a_1: f32, %b_1: f32, %sum_2: f32):
// CHECK-NEXT:       %n_1 = math.fma %a_1, %b_1, %sum_2 : f32
// CHECK-NEXT:       nest.yield %n_1 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_3: f32):
// CHECK-NEXT:       nest.yield %sum_3 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [o = 1, k = 2 reduce] ins(%x["o + k + 6"] : memref<8xf32>, %w["k"] : memref<3xf32>) outs(%y["o + 7"] : memref<8xf32>) init(0.000000e+00 : f32) {
// CHECK-NEXT:     ^bb0(%a_2: f32, %b_2: f32, %sum_4: f32):
// CHECK-NEXT:       %n_2 = math.fma %a_2, %b_2, %sum_4 : f32
// CHECK-NEXT:       nest.yield %n_2 : f32
// CHECK-NEXT:     } {
// CHECK-NEXT:     ^bb0(%sum_5: f32):
// CHECK-NEXT:       nest.yield %sum_5 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
