// RUN: penstock-opt %s -p collapse-loops --split-input-file | filecheck %s

func.func @all(%x: memref<2x3x4xf32>, %y: memref<2x3x4xf32>) attributes {nest.kernel} {
  nest.compute [h = 2, w = 3, c = 4] ins(%x["h, w, c"] : memref<2x3x4xf32>) outs(%y["h, w, c"] : memref<2x3x4xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}

// -----

// A transposed read does not walk the axes in step.
func.func @transposed(%x: memref<3x2xf32>, %y: memref<2x3xf32>) attributes {nest.kernel} {
  nest.compute [h = 2, w = 3] ins(%x["w, h"] : memref<3x2xf32>) outs(%y["h, w"] : memref<2x3xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}
