// RUN: penstock-opt %s -p outline-kernels --split-input-file | filecheck %s

// Equal nests are one kernel.
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<8xf32>, %v: memref<8xf32>) {
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
  nest.compute [i = 8] ins(%z["i"] : memref<8xf32>) outs(%v["i"] : memref<8xf32>) attributes {nodes = ["third"]} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<8xf32>, %v: memref<8xf32>) {
// CHECK-NEXT:     %t = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK-NEXT:     func.call @k0_first(%x, %t) {nodes = ["first"]} : (memref<4xf32>, memref<4xf32>) -> ()
// CHECK-NEXT:     func.call @k0_first(%t, %y) {nodes = ["second"]} : (memref<4xf32>, memref<4xf32>) -> ()
// CHECK-NEXT:     func.call @k1_third(%z, %v) {nodes = ["third"]} : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k0_first(%0: memref<4xf32> {llvm.noalias}, %1: memref<4xf32> {llvm.noalias, nest.result}) attributes {nest.kernel, nodes = ["first"]} {
// CHECK-NEXT:     nest.compute [i = 4] ins(%0["i"] : memref<4xf32>) outs(%1["i"] : memref<4xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k1_third(%0: memref<8xf32> {llvm.noalias}, %1: memref<8xf32> {llvm.noalias, nest.result}) attributes {nest.kernel, nodes = ["third"]} {
// CHECK-NEXT:     nest.compute [i = 8] ins(%0["i"] : memref<8xf32>) outs(%1["i"] : memref<8xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Nests that walk a loop together are one kernel.
func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  %t = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
  nest.compute [h = 4, i = 8] ins(%x["h, i"] : memref<4x8xf32>) outs(%t["h, i"] : memref<4x8xf32>) attributes {nodes = ["first"], together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  nest.compute [h = 4, i = 8] ins(%t["h, i"] : memref<4x8xf32>) outs(%y["h, i"] : memref<4x8xf32>) attributes {nodes = ["second"], together = "h"} {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    nest.yield %r : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
// CHECK-NEXT:     %t = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
// CHECK-NEXT:     func.call @k0_first(%x, %t, %y) {nodes = ["first", "second"]} : (memref<4x8xf32>, memref<4x8xf32>, memref<4x8xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k0_first(%0: memref<4x8xf32> {llvm.noalias}, %1: memref<4x8xf32> {llvm.noalias, nest.result}, %2: memref<4x8xf32> {llvm.noalias, nest.result}) attributes {nest.kernel, nodes = ["first", "second"]} {
// CHECK-NEXT:     nest.compute [h = 4, i = 8] ins(%0["h, i"] : memref<4x8xf32>) outs(%1["h, i"] : memref<4x8xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       %r = math.exp %a : f32
// CHECK-NEXT:       nest.yield %r : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     nest.compute [h = 4, i = 8] ins(%1["h, i"] : memref<4x8xf32>) outs(%2["h, i"] : memref<4x8xf32>) attributes {together = "h"} {
// CHECK-NEXT:     ^bb0(%a_1: f32):
// CHECK-NEXT:       %r_1 = math.exp %a_1 : f32
// CHECK-NEXT:       nest.yield %r_1 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
