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
