// RUN: penstock-opt %s -p lower-graph-to-nest,outline-kernels,place-constants | filecheck %s

// Equal weights are stored once, each at a multiple of the alignment.
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = graph.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} -> tensor<3xf32>
  %b = graph.constant {value = dense<[[4.0], [5.0]]> : tensor<2x1xf32>} -> tensor<2x1xf32>
  %c = graph.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} -> tensor<3xf32>
  %p = graph.mul %x, %a : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %q = graph.mul %p, %b : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x3xf32>
  %y = graph.mul %q, %c : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<2x3xf32>, %1: memref<2x3xf32>, %2: memref<128xi8> {nest.weights}) attributes {nest.weights = [{value = #graph.resource<"constant", "9b55d18db5421f48">, offset = 0 : i64}, {value = #graph.resource<"constant", "8c6889fd2a9ad9ff">, offset = 64 : i64}]} {
// CHECK-NEXT:     %3 = arith.constant 0 : index
// CHECK-NEXT:     %4 = memref.view %2[%3][] : memref<128xi8> to memref<3xf32>
// CHECK-NEXT:     %5 = arith.constant 64 : index
// CHECK-NEXT:     %6 = memref.view %2[%5][] : memref<128xi8> to memref<2x1xf32>
// CHECK-NEXT:     %7 = arith.constant 0 : index
// CHECK-NEXT:     %8 = memref.view %2[%7][] : memref<128xi8> to memref<3xf32>
// CHECK-NEXT:     %9 = memref.alloc() {alignment = 64 : i64} : memref<2x3xf32>
// CHECK-NEXT:     func.call @k0(%0, %4, %9) : (memref<2x3xf32>, memref<3xf32>, memref<2x3xf32>) -> ()
// CHECK-NEXT:     %10 = memref.alloc() {alignment = 64 : i64} : memref<2x3xf32>
// CHECK-NEXT:     func.call @k1(%9, %6, %10) : (memref<2x3xf32>, memref<2x1xf32>, memref<2x3xf32>) -> ()
// CHECK-NEXT:     %11 = memref.alloc() {alignment = 64 : i64} : memref<2x3xf32>
// CHECK-NEXT:     func.call @k0(%10, %8, %11) : (memref<2x3xf32>, memref<3xf32>, memref<2x3xf32>) -> ()
// CHECK-NEXT:     func.call @k2(%11, %1) : (memref<2x3xf32>, memref<2x3xf32>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k0(%0: memref<2x3xf32> {llvm.noalias}, %1: memref<3xf32> {llvm.noalias, nest.constant}, %2: memref<2x3xf32> {llvm.noalias, nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [d0 = 2, d1 = 3] ins(%0["d0, d1"] : memref<2x3xf32>, %1["d1"] : memref<3xf32>) outs(%2["d0, d1"] : memref<2x3xf32>) {
// CHECK-NEXT:     ^bb0(%3: f32, %4: f32):
// CHECK-NEXT:       %5 = arith.mulf %3, %4 : f32
// CHECK-NEXT:       nest.yield %5 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k1(%0: memref<2x3xf32> {llvm.noalias}, %1: memref<2x1xf32> {llvm.noalias, nest.constant}, %2: memref<2x3xf32> {llvm.noalias, nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [d0 = 2, d1 = 3] ins(%0["d0, d1"] : memref<2x3xf32>, %1["d0, 0"] : memref<2x1xf32>) outs(%2["d0, d1"] : memref<2x3xf32>) {
// CHECK-NEXT:     ^bb0(%3: f32, %4: f32):
// CHECK-NEXT:       %5 = arith.mulf %3, %4 : f32
// CHECK-NEXT:       nest.yield %5 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @k2(%0: memref<2x3xf32> {llvm.noalias}, %1: memref<2x3xf32> {llvm.noalias, nest.result}) attributes {nest.kernel} {
// CHECK-NEXT:     nest.compute [d0 = 2, d1 = 3] ins(%0["d0, d1"] : memref<2x3xf32>) outs(%1["d0, d1"] : memref<2x3xf32>) {
// CHECK-NEXT:     ^bb0(%2: f32):
// CHECK-NEXT:       nest.yield %2 : f32
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
