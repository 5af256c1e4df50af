// RUN: penstock-opt %s -p lower-graph-to-nest,plan-memory,lower-nest-to-loops --split-input-file | filecheck %s

// A loop of as many steps as a call says: sizes are handed down to its body, and so is memory.
func.func @main(%h: tensor<?xf32, #graph.dims<["n"]>>, %x: tensor<?x?xf32, #graph.dims<["seq", "n"]>>) -> tensor<?x?xf32, #graph.dims<["seq", "n"]>> {
  %last, %all = graph.loop states(%h : tensor<?xf32, #graph.dims<["n"]>>) scans(%x : tensor<?x?xf32, #graph.dims<["seq", "n"]>>) {
  ^bb0(%i: tensor<i64>, %s: tensor<?xf32, #graph.dims<["n"]>>, %t: tensor<?xf32, #graph.dims<["n"]>>):
    %e = graph.exp %s : tensor<?xf32, #graph.dims<["n"]>> -> tensor<?xf32, #graph.dims<["n"]>>
    %m = graph.add %e, %t : tensor<?xf32, #graph.dims<["n"]>>, tensor<?xf32, #graph.dims<["n"]>> -> tensor<?xf32, #graph.dims<["n"]>>
    graph.yield %m, %m : tensor<?xf32, #graph.dims<["n"]>>, tensor<?xf32, #graph.dims<["n"]>>
  } -> tensor<?xf32, #graph.dims<["n"]>>, tensor<?x?xf32, #graph.dims<["seq", "n"]>> {steps = ["seq"], backwards = array<i64: 0>}
  func.return %all : tensor<?x?xf32, #graph.dims<["seq", "n"]>>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @main(%0: memref<?xf32>, %1: memref<?x?xf32>, %2: memref<?x?xf32>, %3: index {nest.symbol = "n"}, %4: index {nest.symbol = "seq"}, %arena: memref<?xi8>) attributes {penstock.memory_plan = {argument = 5 : i64, values = [{name = "value0", steps = array<i64: 0, 0>, size = "4*n", below = array<i64: 1>}, {name = "value1", steps = array<i64: 0, 0>, size = "192*((n + 15)//16) + 64", below = array<i64>}]}} {
// CHECK-NEXT:     %5 = arith.constant 64 : index
// CHECK-NEXT:     %6 = arith.constant 192 : index
// CHECK-NEXT:     %7 = arith.constant 15 : index
// CHECK-NEXT:     %8 = arith.addi %7, %3 : index
// CHECK-NEXT:     %9 = arith.constant 16 : index
// CHECK-NEXT:     %10 = arith.divui %8, %9 : index
// CHECK-NEXT:     %11 = arith.muli %6, %10 : index
// CHECK-NEXT:     %12 = arith.addi %5, %11 : index
// CHECK-NEXT:     %13 = arith.constant 0 : index
// CHECK-NEXT:     %14 = memref.view %arena[%12][%3] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %15 = memref.view %arena[%13][%12] : memref<?xi8> to memref<?xi8>
// CHECK-NEXT:     func.call @c0_(%0, %1, %14, %2, %3, %4, %15) : (memref<?xf32>, memref<?x?xf32>, memref<?xf32>, memref<?x?xf32>, index, index, memref<?xi8>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @c0_(%0: memref<?xf32>, %1: memref<?x?xf32>, %2: memref<?xf32>, %3: memref<?x?xf32>, %4: index {nest.symbol = "n"}, %5: index {nest.symbol = "seq"}, %arena: memref<?xi8>) attributes {penstock.memory_plan = {argument = 6 : i64, values = [{name = "value0", steps = array<i64: 0, 1>, size = "4*n", below = array<i64>}, {name = "value1", steps = array<i64: 0, 1>, size = "4*n", below = array<i64: 0>}, {name = "value2", steps = array<i64: 0, 0>, size = "8", below = array<i64: 3>}, {name = "value3", steps = array<i64: 0, 0>, size = "64*((n + 15)//16)", below = array<i64: 1>}]}} {
// CHECK-NEXT:     %6 = arith.constant 64 : index
// CHECK-NEXT:     %7 = arith.constant 15 : index
// CHECK-NEXT:     %8 = arith.addi %7, %4 : index
// CHECK-NEXT:     %9 = arith.constant 16 : index
// CHECK-NEXT:     %10 = arith.divui %8, %9 : index
// CHECK-NEXT:     %11 = arith.muli %6, %10 : index
// CHECK-NEXT:     %12 = arith.constant 192 : index
// CHECK-NEXT:     %13 = arith.divui %8, %9 : index
// CHECK-NEXT:     %14 = arith.muli %12, %13 : index
// CHECK-NEXT:     %15 = arith.constant 128 : index
// CHECK-NEXT:     %16 = arith.divui %8, %9 : index
// CHECK-NEXT:     %17 = arith.muli %15, %16 : index
// CHECK-NEXT:     %18 = arith.constant -1 : index
// CHECK-NEXT:     %19 = arith.addi %18, %5 : index
// CHECK-NEXT:     %20 = arith.constant 1 : index
// CHECK-NEXT:     %21 = arith.constant 0 : index
// CHECK-NEXT:     %22 = arith.constant 0 : index
// CHECK-NEXT:     %23 = memref.view %arena[%22][%4] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %24 = memref.view %arena[%11][%4] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %25 = memref.view %arena[%14][] : memref<?xi8> to memref<i64>
// CHECK-NEXT:     %26 = arith.constant 0 : index
// CHECK-NEXT:     %27 = arith.constant 1 : index
// CHECK-NEXT:     %28 = memref.view %arena[%17][%11] : memref<?xi8> to memref<?xi8>
// CHECK-NEXT:     %29, %30, %31 = scf.for %32 = %26 to %5 step %27 iter_args(%33 = %0, %34 = %23, %35 = %24) -> (memref<?xf32>, memref<?xf32>, memref<?xf32>) {
// CHECK-NEXT:       %36 = arith.index_cast %32 : index to i64
// CHECK-NEXT:       memref.store %36, %25[] : memref<i64>
// CHECK-NEXT:       %37 = arith.subi %19, %32 : index
// CHECK-NEXT{LITERAL}:       %38 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<?x?xf32> into memref<?xf32>
// CHECK-NEXT:       %39 = arith.muli %37, %4 : index
// CHECK-NEXT:       %40 = memref.subview %38[%39] [%4] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
// CHECK-NEXT:       %41 = "memref.cast"(%40) : (memref<?xf32, strided<[1], offset: ?>>) -> memref<?xf32>
// CHECK-NEXT{LITERAL}:       %42 = memref.collapse_shape %3 [[0 : i64, 1 : i64]] : memref<?x?xf32> into memref<?xf32>
// CHECK-NEXT:       %43 = arith.muli %32, %4 : index
// CHECK-NEXT:       %44 = memref.subview %42[%43] [%4] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
// CHECK-NEXT:       %45 = "memref.cast"(%44) : (memref<?xf32, strided<[1], offset: ?>>) -> memref<?xf32>
// CHECK-NEXT:       func.call @c0_.body(%25, %33, %41, %34, %45, %4, %28) : (memref<i64>, memref<?xf32>, memref<?xf32>, memref<?xf32>, memref<?xf32>, index, memref<?xi8>) -> ()
// CHECK-NEXT:       scf.yield %34, %35, %34 : memref<?xf32>, memref<?xf32>, memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     scf.for %46 = %21 to %4 step %20 {
// CHECK-NEXT:       %47 = memref.load %29[%46] : memref<?xf32>
// CHECK-NEXT:       memref.store %47, %2[%46] : memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @c0_.body(%0: memref<i64>, %1: memref<?xf32>, %2: memref<?xf32>, %3: memref<?xf32>, %4: memref<?xf32>, %5: index {nest.symbol = "n"}, %arena: memref<?xi8>) attributes {penstock.memory_plan = {argument = 6 : i64, values = [{name = "value0", steps = array<i64: 0, 1>, size = "4*n", below = array<i64>}]}} {
// CHECK-NEXT:     %6 = arith.constant 1 : index
// CHECK-NEXT:     %7 = arith.constant 0 : index
// CHECK-NEXT:     %8 = arith.constant 0 : index
// CHECK-NEXT:     %9 = memref.view %arena[%8][%5] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     scf.for %10 = %7 to %5 step %6 {
// CHECK-NEXT:       %11 = memref.load %1[%10] : memref<?xf32>
// CHECK-NEXT:       %12 = math.exp %11 : f32
// CHECK-NEXT:       memref.store %12, %9[%10] : memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     scf.for %13 = %7 to %5 step %6 {
// CHECK-NEXT:       %14 = memref.load %9[%13] : memref<?xf32>
// CHECK-NEXT:       %15 = memref.load %2[%13] : memref<?xf32>
// CHECK-NEXT:       %16 = arith.addf %14, %15 : f32
// CHECK-NEXT:       memref.store %16, %3[%13] : memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     scf.for %17 = %7 to %5 step %6 {
// CHECK-NEXT:       %18 = memref.load %3[%17] : memref<?xf32>
// CHECK-NEXT:       memref.store %18, %4[%17] : memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
