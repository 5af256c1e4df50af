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
// CHECK-NEXT:   func.func @main(%0: memref<?xf32>, %1: memref<?x?xf32>, %2: memref<?x?xf32>, %3: index {nest.symbol = "n"}, %4: index {nest.symbol = "seq"}, %arena: memref<?xi8>) attributes {penstock.memory_plan = {argument = 5 : i64, values = [{name = "value0", steps = array<i64: 0, 0>, size = "4*n", below = array<i64: 1>}, {name = "value1", steps = array<i64: 0, 0>, size = "12*n + 316", below = array<i64>}]}} {
// CHECK-NEXT:     %5 = arith.constant 320 : index
// CHECK-NEXT:     %6 = arith.constant 64 : index
// CHECK-NEXT:     %7 = arith.constant 14 : index
// CHECK-NEXT:     %8 = arith.constant 3 : index
// CHECK-NEXT:     %9 = arith.muli %8, %3 : index
// CHECK-NEXT:     %10 = arith.addi %7, %9 : index
// CHECK-NEXT:     %11 = arith.constant 16 : index
// CHECK-NEXT:     %12 = arith.divui %10, %11 : index
// CHECK-NEXT:     %13 = arith.muli %6, %12 : index
// CHECK-NEXT:     %14 = arith.addi %5, %13 : index
// CHECK-NEXT:     %15 = arith.constant 316 : index
// CHECK-NEXT:     %16 = arith.constant 12 : index
// CHECK-NEXT:     %17 = arith.muli %16, %3 : index
// CHECK-NEXT:     %18 = arith.addi %15, %17 : index
// CHECK-NEXT:     %19 = arith.constant 0 : index
// CHECK-NEXT:     %20 = memref.view %arena[%14][%3] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %21 = memref.view %arena[%19][%18] : memref<?xi8> to memref<?xi8>
// CHECK-NEXT:     func.call @c0_(%0, %1, %20, %2, %3, %4, %21) : (memref<?xf32>, memref<?x?xf32>, memref<?xf32>, memref<?x?xf32>, index, index, memref<?xi8>) -> ()
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT:   func.func @c0_(%0: memref<?xf32>, %1: memref<?x?xf32>, %2: memref<?xf32>, %3: memref<?x?xf32>, %4: index {nest.symbol = "n"}, %5: index {nest.symbol = "seq"}, %arena: memref<?xi8>) attributes {penstock.memory_plan = {argument = 6 : i64, values = [{name = "value0", steps = array<i64: 0, 1>, size = "4*n", below = array<i64: 3>}, {name = "value1", steps = array<i64: 0, 1>, size = "4*n", below = array<i64: 0>}, {name = "value2", steps = array<i64: 0, 0>, size = "8", below = array<i64: 1>}, {name = "value3", steps = array<i64: 0, 0>, size = "4*n + 63", below = array<i64>}]}} {
// CHECK-NEXT:     %6 = arith.constant 64 : index
// CHECK-NEXT:     %7 = arith.constant 15 : index
// CHECK-NEXT:     %8 = arith.addi %7, %4 : index
// CHECK-NEXT:     %9 = arith.constant 16 : index
// CHECK-NEXT:     %10 = arith.divui %8, %9 : index
// CHECK-NEXT:     %11 = arith.muli %6, %10 : index
// CHECK-NEXT:     %12 = arith.addi %6, %11 : index
// CHECK-NEXT:     %13 = arith.constant 128 : index
// CHECK-NEXT:     %14 = arith.divui %8, %9 : index
// CHECK-NEXT:     %15 = arith.muli %13, %14 : index
// CHECK-NEXT:     %16 = arith.addi %6, %15 : index
// CHECK-NEXT:     %17 = arith.constant 192 : index
// CHECK-NEXT:     %18 = arith.divui %8, %9 : index
// CHECK-NEXT:     %19 = arith.muli %17, %18 : index
// CHECK-NEXT:     %20 = arith.addi %6, %19 : index
// CHECK-NEXT:     %21 = arith.constant -1 : index
// CHECK-NEXT:     %22 = arith.addi %21, %5 : index
// CHECK-NEXT:     %23 = arith.constant 63 : index
// CHECK-NEXT:     %24 = arith.constant 4 : index
// CHECK-NEXT:     %25 = arith.muli %24, %4 : index
// CHECK-NEXT:     %26 = arith.addi %23, %25 : index
// CHECK-NEXT:     %27 = arith.constant 1 : index
// CHECK-NEXT:     %28 = arith.constant 0 : index
// CHECK-NEXT:     %29 = arith.constant 0 : index
// CHECK-NEXT:     %30 = memref.view %arena[%12][%4] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %31 = memref.view %arena[%16][%4] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT:     %32 = memref.view %arena[%20][] : memref<?xi8> to memref<i64>
// CHECK-NEXT:     %33 = arith.constant 0 : index
// CHECK-NEXT:     %34 = arith.constant 1 : index
// CHECK-NEXT:     %35 = memref.view %arena[%29][%26] : memref<?xi8> to memref<?xi8>
// CHECK-NEXT:     %36, %37, %38 = scf.for %39 = %33 to %5 step %34 iter_args(%40 = %0, %41 = %30, %42 = %31) -> (memref<?xf32>, memref<?xf32>, memref<?xf32>) {
// CHECK-NEXT:       %43 = arith.index_cast %39 : index to i64
// CHECK-NEXT:       memref.store %43, %32[] : memref<i64>
// CHECK-NEXT:       %44 = arith.subi %22, %39 : index
// CHECK-NEXT{LITERAL}:       %45 = memref.collapse_shape %1 [[0 : i64, 1 : i64]] : memref<?x?xf32> into memref<?xf32>
// CHECK-NEXT:       %46 = arith.muli %44, %4 : index
// CHECK-NEXT:       %47 = memref.subview %45[%46] [%4] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
// CHECK-NEXT:       %48 = "memref.cast"(%47) : (memref<?xf32, strided<[1], offset: ?>>) -> memref<?xf32>
// CHECK-NEXT{LITERAL}:       %49 = memref.collapse_shape %3 [[0 : i64, 1 : i64]] : memref<?x?xf32> into memref<?xf32>
// CHECK-NEXT:       %50 = arith.muli %39, %4 : index
// CHECK-NEXT:       %51 = memref.subview %49[%50] [%4] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
// CHECK-NEXT:       %52 = "memref.cast"(%51) : (memref<?xf32, strided<[1], offset: ?>>) -> memref<?xf32>
// CHECK-NEXT:       func.call @c0_.body(%32, %40, %48, %41, %52, %4, %35) : (memref<i64>, memref<?xf32>, memref<?xf32>, memref<?xf32>, memref<?xf32>, index, memref<?xi8>) -> ()
// CHECK-NEXT:       scf.yield %41, %42, %41 : memref<?xf32>, memref<?xf32>, memref<?xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     scf.for %53 = %28 to %4 step %27 {
// CHECK-NEXT:       %54 = memref.load %36[%53] : memref<?xf32>
// CHECK-NEXT:       memref.store %54, %2[%53] : memref<?xf32>
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
