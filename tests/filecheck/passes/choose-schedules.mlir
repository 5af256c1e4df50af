// RUN: penstock-opt %s -p 'choose-schedules{choices="219b3c2f47742c0ffe44acc302152494 n=4"}' --split-input-file | filecheck %s

// The same kernel under another name, for other nodes, has the same choice; another kernel has none.
func.func @k(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nodes = ["a"]} {
  nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) attributes {nodes = ["a"]} {
  ^bb0(%0: f32):
    nest.yield %0 : f32
  }
  func.return
}
func.func @same(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nodes = ["b", "c"]} {
  nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) attributes {nodes = ["b"]} {
  ^bb0(%0: f32):
    nest.yield %0 : f32
  }
  func.return
}
func.func @other(%x: memref<5x12xf32>, %y: memref<5x12xf32>) attributes {nest.kernel} {
  nest.compute [m = 5, n = 12] ins(%x["m, n"] : memref<5x12xf32>) outs(%y["m, n"] : memref<5x12xf32>) {
  ^bb0(%0: f32):
    nest.yield %0 : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nodes = ["a"], nest.choice = "n=4"} {
// CHECK-NEXT:     nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) attributes {nodes = ["a"]} {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       nest.yield %0 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @same(%x: memref<4x12xf32>, %y: memref<4x12xf32>) attributes {nest.kernel, nodes = ["b", "c"], nest.choice = "n=4"} {
// CHECK-NEXT:     nest.compute [m = 4, n = 12] ins(%x["m, n"] : memref<4x12xf32>) outs(%y["m, n"] : memref<4x12xf32>) attributes {nodes = ["b"]} {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       nest.yield %0 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @other(%x: memref<5x12xf32>, %y: memref<5x12xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 5, n = 12] ins(%x["m, n"] : memref<5x12xf32>) outs(%y["m, n"] : memref<5x12xf32>) {
// CHECK-NEXT:     ^bb0(%0: f32):
// CHECK-NEXT:       nest.yield %0 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
