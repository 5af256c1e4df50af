// RUN: penstock-opt %s -p lower-loops-to-llvm --split-input-file | filecheck %s

// Rows that differ by a constant share an address; a loop that is known to run tests its bound at the bottom.
func.func @rows(%a: memref<8x32xf32> {llvm.noalias}, %y: memref<2xf32>) attributes {nest.nodes = ["Conv_0"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %z = arith.constant 0.0 : f32
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %k = %c0 to %c32 step %c1 iter_args(%s = %z, %t = %z) -> (f32, f32) {
    %x = memref.load %a[%c0, %k] : memref<8x32xf32>
    %w = memref.load %a[%c3, %k] : memref<8x32xf32>
    %s2 = arith.addf %s, %x : f32
    %t2 = math.fma %t, %w, %x : f32
    scf.yield %s2, %t2 : f32, f32
  }
  memref.store %r#0, %y[%c0] : memref<2xf32>
  memref.store %r#1, %y[%c1] : memref<2xf32>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   llvm.func @rows(%0: !llvm.ptr {llvm.noalias}, %1: !llvm.ptr) attributes {nest.nodes = ["Conv_0"]} {
// CHECK-NEXT:     %2 = llvm.mlir.constant(0.000000e+00 : f32) : f32
// CHECK-NEXT:     %3 = llvm.mlir.constant(0) : i64
// CHECK-NEXT:     %4 = llvm.mlir.constant(32) : i64
// CHECK-NEXT:     %5 = llvm.mlir.constant(1) : i64
// CHECK-NEXT:     %6 = llvm.mlir.constant(96) : i64
// CHECK-NEXT:     llvm.br ^bb1(%3, %2, %2 : i64, f32, f32)
// CHECK-NEXT:   ^bb1(%7: i64, %8: f32, %9: f32):
// CHECK-NEXT:     %10 = llvm.getelementptr inbounds %0[%7] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK-NEXT:     %11 = llvm.load %10 {alignment = 4 : i64} : !llvm.ptr -> f32
// CHECK-NEXT:     %12 = llvm.getelementptr inbounds %10[%6] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK-NEXT:     %13 = llvm.load %12 {alignment = 4 : i64} : !llvm.ptr -> f32
// CHECK-NEXT:     %14 = llvm.fadd %8, %11 : f32
// CHECK-NEXT:     %15 = llvm.intr.fma(%9, %13, %11) : (f32, f32, f32) -> f32
// CHECK-NEXT:     %16 = llvm.add %7, %5 overflow<nsw,nuw> : i64
// CHECK-NEXT:     %17 = llvm.icmp "slt" %16, %4 : i64
// CHECK-NEXT:     llvm.cond_br %17, ^bb1(%16, %14, %15 : i64, f32, f32), ^bb2(%14, %15 : f32, f32)
// CHECK-NEXT:   ^bb2(%18: f32, %19: f32):
// CHECK-NEXT:     llvm.store %18, %1 {alignment = 4 : i64} : f32, !llvm.ptr
// CHECK-NEXT:     %20 = llvm.getelementptr inbounds %1[%5] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK-NEXT:     llvm.store %19, %20 {alignment = 4 : i64} : f32, !llvm.ptr
// CHECK-NEXT:     llvm.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A loop that runs once leaves no loop; the bound of the other is tested first.
func.func @loops(%y: memref<4xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %v = arith.constant 7 : i8
  scf.for %i = %c1 to %c2 step %c1 {
    memref.store %v, %y[%i] : memref<4xi8>
  }
  scf.for %i = %c0 to %n step %c1 {
    memref.store %v, %y[%i] : memref<4xi8>
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   llvm.func @loops(%0: !llvm.ptr, %1: i64) {
// CHECK-NEXT:     %2 = llvm.mlir.constant(7 : i8) : i8
// CHECK-NEXT:     %3 = llvm.mlir.constant(1) : i64
// CHECK-NEXT:     %4 = llvm.mlir.constant(0) : i64
// CHECK-NEXT:     %5 = llvm.getelementptr inbounds %0[%3] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK-NEXT:     llvm.store %2, %5 {alignment = 1 : i64} : i8, !llvm.ptr
// CHECK-NEXT:     %6 = llvm.icmp "slt" %4, %1 : i64
// CHECK-NEXT:     llvm.cond_br %6, ^bb1(%4 : i64), ^bb2
// CHECK-NEXT:   ^bb1(%7: i64):
// CHECK-NEXT:     %8 = llvm.getelementptr inbounds %0[%7] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK-NEXT:     llvm.store %2, %8 {alignment = 1 : i64} : i8, !llvm.ptr
// CHECK-NEXT:     %9 = llvm.add %7, %3 : i64
// CHECK-NEXT:     %10 = llvm.icmp "slt" %9, %1 : i64
// CHECK-NEXT:     llvm.cond_br %10, ^bb1(%9 : i64), ^bb2
// CHECK-NEXT:   ^bb2:
// CHECK-NEXT:     llvm.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A masked access may start outside its buffer, so nothing is promised of its address.
func.func @masked(%a: memref<8xbf16>, %m: vector<8xi1>, %i: index) {
  %c1 = arith.constant 1 : index
  %z = arith.constant dense<1.0> : vector<8xbf16>
  %j = arith.subi %i, %c1 : index
  %v = vector.maskedload %a[%j], %m, %z : memref<8xbf16>, vector<8xi1>, vector<8xbf16> into vector<8xbf16>
  vector.maskedstore %a[%j], %m, %v : memref<8xbf16>, vector<8xi1>, vector<8xbf16>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   llvm.func @masked(%0: !llvm.ptr, %1: vector<8xi1>, %2: i64) {
// CHECK-NEXT:     %3 = llvm.mlir.constant(dense<16256> : vector<8xi16>) : vector<8xi16>
// CHECK-NEXT:     %4 = llvm.mlir.constant(-1) : i64
// CHECK-NEXT:     %5 = llvm.getelementptr %0[%2] : (!llvm.ptr, i64) -> !llvm.ptr, i16
// CHECK-NEXT:     %6 = llvm.getelementptr %5[%4] : (!llvm.ptr, i64) -> !llvm.ptr, i16
// CHECK-NEXT:     %7 = llvm.intr.masked.load %6, %1, %3 {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xi16>) -> vector<8xi16>
// CHECK-NEXT:     %8 = llvm.getelementptr %5[%4] : (!llvm.ptr, i64) -> !llvm.ptr, i16
// CHECK-NEXT:     llvm.intr.masked.store %7, %8, %1 {alignment = 2 : i32} : vector<8xi16>, vector<8xi1> into !llvm.ptr
// CHECK-NEXT:     llvm.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
