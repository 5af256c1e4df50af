// RUN: penstock-opt %s -p lower-nest-to-loops | filecheck %s --check-prefix LOOPS
// RUN: penstock-opt %s -p lower-nest-to-loops,lower-loops-to-llvm | filecheck %s --check-prefix LLVM

// A kernel runs a part of its loop; main stores the arguments where the task finds them, and forks.
func.func @main(%x: memref<64xf32>, %y: memref<64xf32>) attributes {nest.threads = 3 : i64} {
  func.call @k(%x, %y) {nest.parallel = 3 : i64} : (memref<64xf32>, memref<64xf32>) -> ()
  func.call @whole(%y, %x) : (memref<64xf32>, memref<64xf32>) -> ()
  func.return
}
func.func private @whole(memref<64xf32>, memref<64xf32>) -> ()
func.func @k(%x: memref<64xf32> {llvm.noalias}, %y: memref<64xf32> {llvm.noalias}) attributes {nest.kernel} {
  nest.compute [i = 64 thread] ins(%x["i"] : memref<64xf32>) outs(%y["i"] : memref<64xf32>) {
  ^bb0(%a: f32):
    %s = arith.addf %a, %a : f32
    nest.yield %s : f32
  }
  func.return
}

// LOOPS: builtin.module {
// LOOPS-NEXT:   func.func @main(%x: memref<64xf32>, %y: memref<64xf32>) attributes {nest.threads = 3 : i64} {
// LOOPS-NEXT:     %0 = arith.constant 0 : index
// LOOPS-NEXT:     %1 = arith.constant 1 : index
// LOOPS-NEXT:     func.call @k(%x, %y, %0, %1) {nest.parallel = 3 : i64} : (memref<64xf32>, memref<64xf32>, index, index) -> ()
// LOOPS-NEXT:     func.call @whole(%y, %x) : (memref<64xf32>, memref<64xf32>) -> ()
// LOOPS-NEXT:     func.return
// LOOPS-NEXT:   }
// LOOPS-NEXT:   func.func private @whole(memref<64xf32>, memref<64xf32>) -> ()
// LOOPS-NEXT:   func.func @k(%x: memref<64xf32> {llvm.noalias}, %y: memref<64xf32> {llvm.noalias}, %part: index, %parts: index) attributes {nest.kernel} {
// LOOPS-NEXT:     %0 = arith.constant 64 : index
// LOOPS-NEXT:     %1 = arith.constant 1 : index
// LOOPS-NEXT:     %2 = arith.addi %part, %1 : index
// LOOPS-NEXT:     %3 = arith.muli %part, %0 : index
// LOOPS-NEXT:     %4 = arith.ceildivui %3, %parts : index
// LOOPS-NEXT:     %5 = arith.muli %2, %0 : index
// LOOPS-NEXT:     %6 = arith.ceildivui %5, %parts : index
// LOOPS-NEXT:     scf.for %7 = %4 to %6 step %1 {
// LOOPS-NEXT:       %8 = memref.load %x[%7] : memref<64xf32>
// LOOPS-NEXT:       %9 = arith.addf %8, %8 : f32
// LOOPS-NEXT:       memref.store %9, %y[%7] : memref<64xf32>
// LOOPS-NEXT:     }
// LOOPS-NEXT:     func.return
// LOOPS-NEXT:   }
// LOOPS-NEXT: }

// LLVM: builtin.module {
// LLVM-NEXT:   llvm.func @main(%0: !llvm.ptr, %1: !llvm.ptr, %2: !llvm.ptr) attributes {nest.threads = 3 : i64} {
// LLVM-NEXT:     %3 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %4 = llvm.alloca %3 x !llvm.array<2 x !llvm.ptr> {alignment = 8 : i64} : (i64) -> !llvm.ptr
// LLVM-NEXT:     %5 = llvm.mlir.constant(3) : i64
// LLVM-NEXT:     llvm.store %0, %4 {alignment = 8 : i64} : !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %6 = llvm.getelementptr inbounds %4[%3] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     llvm.store %1, %6 {alignment = 8 : i64} : !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %7 = llvm.mlir.addressof @k.task : !llvm.ptr
// LLVM-NEXT:     llvm.call @fork(%2, %5, %7, %4) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.call @whole(%1, %0) : (!llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func @whole(!llvm.ptr, !llvm.ptr)
// LLVM-NEXT:   llvm.func @k(%8: !llvm.ptr {llvm.noalias}, %9: !llvm.ptr {llvm.noalias}, %10: i64, %11: i64) attributes {nest.kernel} {
// LLVM-NEXT:     %12 = llvm.mlir.constant(64) : i64
// LLVM-NEXT:     %13 = llvm.mlir.constant(0) : i64
// LLVM-NEXT:     %14 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %15 = llvm.mul %10, %12 : i64
// LLVM-NEXT:     %16 = llvm.urem %15, %11 : i64
// LLVM-NEXT:     %17 = llvm.icmp "ne" %16, %13 : i64
// LLVM-NEXT:     %18 = llvm.zext %17 : i1 to i64
// LLVM-NEXT:     %19 = llvm.udiv %15, %11 : i64
// LLVM-NEXT:     %20 = llvm.add %19, %18 : i64
// LLVM-NEXT:     %21 = llvm.add %15, %12 : i64
// LLVM-NEXT:     %22 = llvm.urem %21, %11 : i64
// LLVM-NEXT:     %23 = llvm.icmp "ne" %22, %13 : i64
// LLVM-NEXT:     %24 = llvm.zext %23 : i1 to i64
// LLVM-NEXT:     %25 = llvm.udiv %21, %11 : i64
// LLVM-NEXT:     %26 = llvm.add %25, %24 : i64
// LLVM-NEXT:     %27 = llvm.icmp "slt" %20, %26 : i64
// LLVM-NEXT:     llvm.cond_br %27, ^bb1(%20 : i64), ^bb2
// LLVM-NEXT:   ^bb1(%28: i64):
// LLVM-NEXT:     %29 = llvm.getelementptr %8[%28] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// LLVM-NEXT:     %30 = llvm.load %29 {alignment = 4 : i64} : !llvm.ptr -> f32
// LLVM-NEXT:     %31 = llvm.fadd %30, %30 : f32
// LLVM-NEXT:     %32 = llvm.getelementptr %9[%28] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// LLVM-NEXT:     llvm.store %31, %32 {alignment = 4 : i64} : f32, !llvm.ptr
// LLVM-NEXT:     %33 = llvm.add %28, %14 : i64
// LLVM-NEXT:     %34 = llvm.icmp "slt" %33, %26 : i64
// LLVM-NEXT:     llvm.cond_br %34, ^bb1(%33 : i64), ^bb2
// LLVM-NEXT:   ^bb2:
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func internal @k.task(%35: !llvm.ptr, %36: i64, %37: i64) {
// LLVM-NEXT:     %38 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %39 = llvm.load %35 {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// LLVM-NEXT:     %40 = llvm.getelementptr inbounds %35[%38] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %41 = llvm.load %40 {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// LLVM-NEXT:     llvm.call @k(%39, %41, %36, %37) : (!llvm.ptr, !llvm.ptr, i64, i64) -> ()
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func internal @fork(%42: !llvm.ptr, %43: i64, %44: !llvm.ptr, %45: !llvm.ptr) {
// LLVM-NEXT:     %46 = llvm.mlir.constant(0) : i64
// LLVM-NEXT:     %47 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %48 = llvm.ptrtoint %42 : !llvm.ptr to i64
// LLVM-NEXT:     %49 = llvm.icmp "ne" %48, %46 : i64
// LLVM-NEXT:     llvm.cond_br %49, ^bb1, ^bb2
// LLVM-NEXT:   ^bb1:
// LLVM-NEXT:     llvm.call %42(%43, %44, %45) : !llvm.ptr, (i64, !llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.br ^bb3
// LLVM-NEXT:   ^bb2:
// LLVM-NEXT:     llvm.call %44(%45, %46, %47) : !llvm.ptr, (!llvm.ptr, i64, i64) -> ()
// LLVM-NEXT:     llvm.br ^bb3
// LLVM-NEXT:   ^bb3:
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT: }
