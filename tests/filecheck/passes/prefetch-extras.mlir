// RUN: penstock-opt %s -p prefetch-extras,lower-nest-to-loops --split-input-file | filecheck %s

// A residual of 32 KB, more than half of the second-level cache: a tile of 2 rows and 8 columns has 2 lines of it.
module attributes {nest.machine = {l2 = 32768 : i64}} {
  func.func @k(%x: memref<64x32xf32>, %w: memref<16x32x8xf32> {nest.constant}, %r: memref<64x128xf32>, %y: memref<64x128xf32>) attributes {nest.kernel} {
    nest.compute [n = 16, m = 32, k = 32 reduce, m.r = 2 unroll, n.r = 8 vector 8] ins(%x["2*m + m.r, k"] : memref<64x32xf32>, %w["n, k, n.r"] : memref<16x32x8xf32>) with(%r["2*m + m.r, 8*n + n.r"] : memref<64x128xf32>) outs(%y["2*m + m.r, 8*n + n.r"] : memref<64x128xf32>) init(0.0 : f32) {
    ^bb0(%a: f32, %b: f32, %sum: f32):
      %n = math.fma %a, %b, %sum : f32
      nest.yield %n : f32
    } {
    ^bb0(%sum: f32, %c: f32):
      %s = arith.addf %sum, %c : f32
      nest.yield %s : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {l2 = 32768 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<64x32xf32>, %w: memref<16x32x8xf32> {nest.constant}, %r: memref<64x128xf32>, %y: memref<64x128xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant 128 : index
// CHECK-NEXT:     %2 = arith.constant 64 : index
// CHECK-NEXT:     %3 = arith.constant 32 : index
// CHECK-NEXT:     %4 = arith.constant 8 : index
// CHECK-NEXT:     %5 = arith.constant 256 : index
// CHECK-NEXT:     %6 = arith.constant 16 : index
// CHECK-NEXT:     %7 = arith.constant 0 : index
// CHECK-NEXT:     %8 = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-NEXT{LITERAL}:     %9 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<64x128xf32> into memref<8192xf32>
// CHECK-NEXT{LITERAL}:     %10 = memref.collapse_shape %r [[0 : i64, 1 : i64]] : memref<64x128xf32> into memref<8192xf32>
// CHECK-NEXT{LITERAL}:     %11 = memref.collapse_shape %w [[0 : i64, 1 : i64, 2 : i64]] : memref<16x32x8xf32> into memref<4096xf32>
// CHECK-NEXT{LITERAL}:     %12 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<64x32xf32> into memref<2048xf32>
// CHECK-NEXT:     scf.for %13 = %7 to %6 step %0 {
// CHECK-NEXT:       %14 = arith.muli %13, %5 : index
// CHECK-NEXT:       %15 = arith.muli %13, %4 : index
// CHECK-NEXT:       scf.for %16 = %7 to %3 step %0 {
// CHECK-NEXT:         %17 = arith.muli %16, %2 : index
// CHECK-NEXT:         %18 = arith.muli %16, %5 : index
// CHECK-NEXT:         %19 = arith.addi %15, %18 : index
// CHECK-NEXT:         %20 = arith.addi %19, %1 : index
// CHECK-NEXT:         memref.prefetch %10[%20], read, locality<3>, data : memref<8192xf32>
// CHECK-NEXT:         memref.prefetch %10[%19], read, locality<3>, data : memref<8192xf32>
// CHECK-NEXT:         %21, %22 = scf.for %23 = %7 to %3 step %0 iter_args(%24 = %8, %25 = %8) -> (vector<8xf32>, vector<8xf32>) {
// CHECK-NEXT:           %26 = arith.addi %17, %23 : index
// CHECK-NEXT:           %27 = arith.muli %23, %4 : index
// CHECK-NEXT:           %28 = arith.addi %14, %27 : index
// CHECK-NEXT:           %29 = memref.load %12[%26] : memref<2048xf32>
// CHECK-NEXT:           %30 = vector.load %11[%28] : memref<4096xf32>, vector<8xf32>
// CHECK-NEXT:           %31 = vector.broadcast %29 : f32 to vector<8xf32>
// CHECK-NEXT:           %32 = math.fma %31, %30, %24 : vector<8xf32>
// CHECK-NEXT:           %33 = arith.addi %26, %3 : index
// CHECK-NEXT:           %34 = memref.load %12[%33] : memref<2048xf32>
// CHECK-NEXT:           %35 = vector.broadcast %34 : f32 to vector<8xf32>
// CHECK-NEXT:           %36 = math.fma %35, %30, %25 : vector<8xf32>
// CHECK-NEXT:           scf.yield %32, %36 : vector<8xf32>, vector<8xf32>
// CHECK-NEXT:         }
// CHECK-NEXT:         %37 = vector.load %10[%19] : memref<8192xf32>, vector<8xf32>
// CHECK-NEXT:         %38 = arith.addf %21, %37 : vector<8xf32>
// CHECK-NEXT:         vector.store %38, %9[%19] : memref<8192xf32>, vector<8xf32>
// CHECK-NEXT:         %39 = arith.addi %19, %1 : index
// CHECK-NEXT:         %40 = vector.load %10[%39] : memref<8192xf32>, vector<8xf32>
// CHECK-NEXT:         %41 = arith.addf %22, %40 : vector<8xf32>
// CHECK-NEXT:         %42 = arith.addi %19, %1 : index
// CHECK-NEXT:         vector.store %41, %9[%42] : memref<8192xf32>, vector<8xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// The cache holds a residual of 1 KB, and a sum of 16 steps is over before anything is there.
module attributes {nest.machine = {l2 = 32768 : i64}} {
  func.func @k(%x: memref<4x16xf32>, %w: memref<16x64xf32> {nest.constant}, %r: memref<4x64xf32>, %y: memref<4x64xf32>) attributes {nest.kernel} {
    nest.compute [n = 64, m = 4, k = 16 reduce] ins(%x["m, k"] : memref<4x16xf32>, %w["k, n"] : memref<16x64xf32>) with(%r["m, n"] : memref<4x64xf32>) outs(%y["m, n"] : memref<4x64xf32>) init(0.0 : f32) {
    ^bb0(%a: f32, %b: f32, %sum: f32):
      %n = math.fma %a, %b, %sum : f32
      nest.yield %n : f32
    } {
    ^bb0(%sum: f32, %c: f32):
      %s = arith.addf %sum, %c : f32
      nest.yield %s : f32
    }
    func.return
  }
}

// CHECK: builtin.module attributes {nest.machine = {l2 = 32768 : i64}} {
// CHECK-NEXT:   func.func @k(%x: memref<4x16xf32>, %w: memref<16x64xf32> {nest.constant}, %r: memref<4x64xf32>, %y: memref<4x64xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant 16 : index
// CHECK-NEXT:     %2 = arith.constant 4 : index
// CHECK-NEXT:     %3 = arith.constant 64 : index
// CHECK-NEXT:     %4 = arith.constant 0 : index
// CHECK-NEXT:     %5 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT{LITERAL}:     %6 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<4x64xf32> into memref<256xf32>
// CHECK-NEXT{LITERAL}:     %7 = memref.collapse_shape %r [[0 : i64, 1 : i64]] : memref<4x64xf32> into memref<256xf32>
// CHECK-NEXT{LITERAL}:     %8 = memref.collapse_shape %w [[0 : i64, 1 : i64]] : memref<16x64xf32> into memref<1024xf32>
// CHECK-NEXT{LITERAL}:     %9 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<4x16xf32> into memref<64xf32>
// CHECK-NEXT:     scf.for %10 = %4 to %3 step %0 {
// CHECK-NEXT:       scf.for %11 = %4 to %2 step %0 {
// CHECK-NEXT:         %12 = arith.muli %11, %1 : index
// CHECK-NEXT:         %13 = arith.muli %11, %3 : index
// CHECK-NEXT:         %14 = arith.addi %10, %13 : index
// CHECK-NEXT:         %15 = scf.for %16 = %4 to %1 step %0 iter_args(%17 = %5) -> (f32) {
// CHECK-NEXT:           %18 = arith.addi %12, %16 : index
// CHECK-NEXT:           %19 = arith.muli %16, %3 : index
// CHECK-NEXT:           %20 = arith.addi %10, %19 : index
// CHECK-NEXT:           %21 = memref.load %9[%18] : memref<64xf32>
// CHECK-NEXT:           %22 = memref.load %8[%20] : memref<1024xf32>
// CHECK-NEXT:           %23 = math.fma %21, %22, %17 : f32
// CHECK-NEXT:           scf.yield %23 : f32
// CHECK-NEXT:         }
// CHECK-NEXT:         %24 = memref.load %7[%14] : memref<256xf32>
// CHECK-NEXT:         %25 = arith.addf %15, %24 : f32
// CHECK-NEXT:         memref.store %25, %6[%14] : memref<256xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
