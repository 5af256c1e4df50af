// RUN: penstock-opt %s -p fuse-siblings --split-input-file | filecheck %s

func.func @pieces(%x: memref<4x16xf32>, %y: memref<4x16xf32>) attributes {nest.kernel} {
  nest.compute [c = 4, i = 8] ins(%x["c, i"] : memref<4x16xf32>) outs(%y["c, i"] : memref<4x16xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  nest.compute [c = 4, i = 8] ins(%x["c, i + 8"] : memref<4x16xf32>) outs(%y["c, i + 8"] : memref<4x16xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @pieces(%x: memref<4x16xf32>, %y: memref<4x16xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [c = 4, i = 8] ins(%x["c, i"] : memref<4x16xf32>) outs(%y["c, i"] : memref<4x16xf32>) attributes {together = "c"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [c = 4, i = 8] ins(%x["c, i + 8"] : memref<4x16xf32>) outs(%y["c, i + 8"] : memref<4x16xf32>) attributes {together = "c"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The second nest reads what the first one writes.
func.func @dependent(%x: memref<4x16xf32>, %y: memref<4x16xf32>, %z: memref<4x16xf32>) attributes {nest.kernel} {
  nest.compute [c = 4, i = 8] ins(%x["c, i"] : memref<4x16xf32>) outs(%y["c, i"] : memref<4x16xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  nest.compute [c = 4, i = 8] ins(%y["c, i + 8"] : memref<4x16xf32>) outs(%z["c, i + 8"] : memref<4x16xf32>) {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
  nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @dependent(%x: memref<4x16xf32>, %y: memref<4x16xf32>, %z: memref<4x16xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [c = 4, i = 8] ins(%x["c, i"] : memref<4x16xf32>) outs(%y["c, i"] : memref<4x16xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [c = 4, i = 8] ins(%y["c, i + 8"] : memref<4x16xf32>) outs(%z["c, i + 8"] : memref<4x16xf32>) {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
