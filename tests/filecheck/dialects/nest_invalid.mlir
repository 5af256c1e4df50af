// RUN: penstock-opt %s --verify-diagnostics --split-input-file | filecheck %s

// A sum is not walked together with others.
func.func @reduction(%x: memref<4x8xf32>, %y: memref<4xf32>) {
  nest.compute [i = 4, k = 8 reduce] ins(%x["i, k"] : memref<4x8xf32>) outs(%y["i"] : memref<4xf32>) init(0.0 : f32) attributes {together = "k"} {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    nest.yield %s : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: nest.compute: together = "k" names no parallel loop

// -----

// A slice has all sizes but the first.
func.func @slice(%x: memref<?x?xf32, #nest.sizes<["n", "m"]>>, %i: index) {
  %r = nest.row %x[%i] : memref<?x?xf32, #nest.sizes<["n", "m"]>> to memref<?xf32, #nest.sizes<["n"]>>
  func.return
}

// CHECK: nest.row: memref<?xf32, #nest.sizes<["n"]>> is no slice of memref<?x?xf32, #nest.sizes<["n", "m"]>>
