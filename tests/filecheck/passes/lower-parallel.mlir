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
// LLVM-NEXT:   llvm.func @main(%0: !llvm.ptr, %1: !llvm.ptr, %2: !llvm.ptr, %3: !llvm.ptr) attributes {nest.threads = 3 : i64} {
// LLVM-NEXT:     %4 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %5 = llvm.alloca %4 x !llvm.array<2 x !llvm.ptr> {alignment = 8 : i64} : (i64) -> !llvm.ptr
// LLVM-NEXT:     %6 = llvm.mlir.constant(3) : i64
// LLVM-NEXT:     llvm.store %0, %5 {alignment = 8 : i64} : !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %7 = llvm.getelementptr inbounds %5[%4] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     llvm.store %1, %7 {alignment = 8 : i64} : !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %8 = llvm.mlir.addressof @k.task : !llvm.ptr
// LLVM-NEXT:     llvm.call @fork(%2, %3, %6, %8, %5) : (!llvm.ptr, !llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.call @whole(%1, %0) : (!llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func @whole(!llvm.ptr, !llvm.ptr)
// LLVM-NEXT:   llvm.func @k(%9: !llvm.ptr {llvm.noalias}, %10: !llvm.ptr {llvm.noalias}, %11: i64, %12: i64) attributes {nest.kernel} {
// LLVM-NEXT:     %13 = llvm.mlir.constant(64) : i64
// LLVM-NEXT:     %14 = llvm.mlir.constant(0) : i64
// LLVM-NEXT:     %15 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %16 = llvm.mul %11, %13 : i64
// LLVM-NEXT:     %17 = llvm.urem %16, %12 : i64
// LLVM-NEXT:     %18 = llvm.icmp "ne" %17, %14 : i64
// LLVM-NEXT:     %19 = llvm.zext %18 : i1 to i64
// LLVM-NEXT:     %20 = llvm.udiv %16, %12 : i64
// LLVM-NEXT:     %21 = llvm.add %20, %19 : i64
// LLVM-NEXT:     %22 = llvm.add %16, %13 : i64
// LLVM-NEXT:     %23 = llvm.urem %22, %12 : i64
// LLVM-NEXT:     %24 = llvm.icmp "ne" %23, %14 : i64
// LLVM-NEXT:     %25 = llvm.zext %24 : i1 to i64
// LLVM-NEXT:     %26 = llvm.udiv %22, %12 : i64
// LLVM-NEXT:     %27 = llvm.add %26, %25 : i64
// LLVM-NEXT:     %28 = llvm.icmp "slt" %21, %27 : i64
// LLVM-NEXT:     llvm.cond_br %28, ^bb1(%21 : i64), ^bb2
// LLVM-NEXT:   ^bb1(%29: i64):
// LLVM-NEXT:     %30 = llvm.getelementptr %9[%29] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// LLVM-NEXT:     %31 = llvm.load %30 {alignment = 4 : i64} : !llvm.ptr -> f32
// LLVM-NEXT:     %32 = llvm.fadd %31, %31 : f32
// LLVM-NEXT:     %33 = llvm.getelementptr %10[%29] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// LLVM-NEXT:     llvm.store %32, %33 {alignment = 4 : i64} : f32, !llvm.ptr
// LLVM-NEXT:     %34 = llvm.add %29, %15 : i64
// LLVM-NEXT:     %35 = llvm.icmp "slt" %34, %27 : i64
// LLVM-NEXT:     llvm.cond_br %35, ^bb1(%34 : i64), ^bb2
// LLVM-NEXT:   ^bb2:
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func internal @k.task(%36: !llvm.ptr, %37: i64, %38: i64) {
// LLVM-NEXT:     %39 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %40 = llvm.load %36 {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// LLVM-NEXT:     %41 = llvm.getelementptr inbounds %36[%39] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
// LLVM-NEXT:     %42 = llvm.load %41 {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// LLVM-NEXT:     llvm.call @k(%40, %42, %37, %38) : (!llvm.ptr, !llvm.ptr, i64, i64) -> ()
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT:   llvm.func internal @fork(%43: !llvm.ptr, %44: !llvm.ptr, %45: i64, %46: !llvm.ptr, %47: !llvm.ptr) {
// LLVM-NEXT:     %48 = llvm.mlir.constant(0) : i64
// LLVM-NEXT:     %49 = llvm.mlir.constant(1) : i64
// LLVM-NEXT:     %50 = llvm.ptrtoint %43 : !llvm.ptr to i64
// LLVM-NEXT:     %51 = llvm.icmp "ne" %50, %48 : i64
// LLVM-NEXT:     llvm.cond_br %51, ^bb1, ^bb2
// LLVM-NEXT:   ^bb1:
// LLVM-NEXT:     llvm.call %43(%44, %45, %46, %47) : !llvm.ptr, (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
// LLVM-NEXT:     llvm.br ^bb3
// LLVM-NEXT:   ^bb2:
// LLVM-NEXT:     llvm.call %46(%47, %48, %49) : !llvm.ptr, (!llvm.ptr, i64, i64) -> ()
// LLVM-NEXT:     llvm.br ^bb3
// LLVM-NEXT:   ^bb3:
// LLVM-NEXT:     llvm.return
// LLVM-NEXT:   }
// LLVM-NEXT: }
