// RUN: penstock-opt %s -p 'specialize-sizes{sizes="n=12"}' | filecheck %s

// A kernel over an open size, and the one for twelve.
func.func @k(%x: memref<?x3xf32, #nest.sizes<["n", ""]>>, %y: memref<?x3xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) attributes {nest.kernel} {
  nest.compute [m = "n - 8*(n//8)", c = 3] ins(%x["m + {8*(n//8)}, c"] : memref<?x3xf32, #nest.sizes<["n", ""]>>) outs(%y["m + {8*(n//8)}, c"] : memref<?x3xf32, #nest.sizes<["n", ""]>>) {
  ^bb0(%a: f32):
    nest.yield %a : f32
  }
  func.return
}

func.func @main(%x: memref<?x3xf32, #nest.sizes<["n", ""]>>, %n: index {nest.symbol = "n"}) {
  %0 = nest.size <"n"> : index
  %1 = memref.alloc(%0) : memref<?x3xf32, #nest.sizes<["n", ""]>>
  func.call @k(%x, %1, %n) : (memref<?x3xf32, #nest.sizes<["n", ""]>>, memref<?x3xf32, #nest.sizes<["n", ""]>>, index) -> ()
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<12x3xf32>, %y: memref<12x3xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [m = 4, c = 3] ins(%x["m + 8, c"] : memref<12x3xf32>) outs(%y["m + 8, c"] : memref<12x3xf32>) {
// CHECK-NEXT:     ^bb0(%a: f32):
// CHECK-NEXT:       nest.yield %a : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @main(%x: memref<12x3xf32>) {
// CHECK-NEXT:     %0 = arith.constant 12 : index
// CHECK-NEXT:     %1 = memref.alloc() : memref<12x3xf32>
// CHECK-NEXT:     func.call @k(%x, %1) : (memref<12x3xf32>, memref<12x3xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
