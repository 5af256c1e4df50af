// RUN: penstock-opt %s -p peel-borders --split-input-file | filecheck %s

// Taps outside of the buffer add nothing: the borders have shorter loops, the interior has no test.
func.func @conv(%x: memref<8xf32>, %w: memref<3xf32>, %y: memref<8xf32>) attributes {nest.kernel} {
  nest.compute [o = 8, k = 3 reduce] ins(%x["o + k - 1"] : memref<8xf32> else 0.0 : f32, %w["k"] : memref<3xf32>) outs(%y["o"] : memref<8xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
  nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
  nest.yield %sum : f32
  }
  func.return
}
