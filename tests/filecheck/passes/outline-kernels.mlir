// RUN: penstock-opt %s -p outline-kernels --split-input-file | filecheck %s

// Equal nests are one kernel.
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<8xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
  nest.compute [i = 4] ins(%x["i"] : memref<4xf32>) outs(%t["i"] : memref<4xf32>) attributes {nodes = ["first"]} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 4] ins(%t["i"] : memref<4xf32>) outs(%y["i"] : memref<4xf32>) attributes {nodes = ["second"]} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [i = 8] ins(%z["i"] : memref<8xf32>) outs(%z["i"] : memref<8xf32>) attributes {nodes = ["third"]} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}
