// RUN: penstock-opt %s -p prefetch-panels,lower-nest-to-loops --split-input-file | filecheck %s

// A panel of 8 columns serves 5 rows: each row fetches a quarter of the next panel, a line in four steps.
func.func @k(%x: memref<5x32xf32>, %w: memref<3x32x8xf32> {nest.constant}, %y: memref<5x24xf32>) attributes {nest.kernel} {
  nest.compute [n = 3, m = 5, k = 32 reduce, n.r = 8 vector 8] ins(%x["m, k"] : memref<5x32xf32>, %w["n, k, n.r"] : memref<3x32x8xf32>) outs(%y["m, 8*n + n.r"] : memref<5x24xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<5x32xf32>, %w: memref<3x32x8xf32> {nest.constant}, %y: memref<5x24xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant 2 : index
// CHECK-NEXT:     %2 = arith.constant 64 : index
// CHECK-NEXT:     %3 = arith.constant 24 : index
// CHECK-NEXT:     %4 = arith.constant 32 : index
// CHECK-NEXT:     %5 = arith.constant 5 : index
// CHECK-NEXT:     %6 = arith.constant 8 : index
// CHECK-NEXT:     %7 = arith.constant 256 : index
// CHECK-NEXT:     %8 = arith.constant 3 : index
// CHECK-NEXT:     %9 = arith.constant 0 : index
// CHECK-NEXT:     %10 = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-NEXT{LITERAL}:     %11 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<5x24xf32> into memref<120xf32>
// CHECK-NEXT{LITERAL}:     %12 = memref.collapse_shape %w [[0 : i64, 1 : i64, 2 : i64]] : memref<3x32x8xf32> into memref<768xf32>
// CHECK-NEXT{LITERAL}:     %13 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<5x32xf32> into memref<160xf32>
// CHECK-NEXT:     scf.for %14 = %9 to %8 step %0 {
// CHECK-NEXT:       %15 = arith.muli %14, %7 : index
// CHECK-NEXT:       %16 = arith.muli %14, %6 : index
// CHECK-NEXT:       scf.for %17 = %9 to %5 step %0 {
// CHECK-NEXT:         %18 = arith.muli %17, %4 : index
// CHECK-NEXT:         %19 = arith.muli %17, %3 : index
// CHECK-NEXT:         %20 = arith.addi %16, %19 : index
// CHECK-NEXT:         %21 = scf.for %22 = %9 to %4 step %0 iter_args(%23 = %10) -> (vector<8xf32>) {
// CHECK-NEXT:           %24 = arith.addi %18, %22 : index
// CHECK-NEXT:           %25 = arith.muli %22, %6 : index
// CHECK-NEXT:           %26 = arith.addi %15, %25 : index
// CHECK-NEXT:           %27 = arith.addi %15, %7 : index
// CHECK-NEXT:           %28 = arith.muli %17, %2 : index
// CHECK-NEXT:           %29 = arith.addi %27, %28 : index
// CHECK-NEXT:           %30 = arith.subi %26, %15 : index
// CHECK-NEXT:           %31 = arith.shrui %30, %1 : index
// CHECK-NEXT:           %32 = arith.addi %29, %31 : index
// CHECK-NEXT:           memref.prefetch %12[%32], read, locality<2>, data : memref<768xf32>
// CHECK-NEXT:           %33 = memref.load %13[%24] : memref<160xf32>
// CHECK-NEXT:           %34 = vector.load %12[%26] : memref<768xf32>, vector<8xf32>
// CHECK-NEXT:           %35 = vector.broadcast %33 : f32 to vector<8xf32>
// CHECK-NEXT:           %36 = math.fma %35, %34, %23 : vector<8xf32>
// CHECK-NEXT:           scf.yield %36 : vector<8xf32>
// CHECK-NEXT:         }
// CHECK-NEXT:         vector.store %21, %11[%20] : memref<120xf32>, vector<8xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Nothing stands inside of the loop over panels: each is used once.
func.func @k(%x: memref<5x32xf32>, %w: memref<3x32x8xf32> {nest.constant}, %y: memref<5x24xf32>) attributes {nest.kernel} {
  nest.compute [m = 5, n = 3, k = 32 reduce, n.r = 8 vector 8] ins(%x["m, k"] : memref<5x32xf32>, %w["n, k, n.r"] : memref<3x32x8xf32>) outs(%y["m, 8*n + n.r"] : memref<5x24xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %n = math.fma %a, %b, %sum : f32
    nest.yield %n : f32
  } {
  ^bb0(%sum: f32):
    nest.yield %sum : f32
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @k(%x: memref<5x32xf32>, %w: memref<3x32x8xf32> {nest.constant}, %y: memref<5x24xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant 8 : index
// CHECK-NEXT:     %2 = arith.constant 256 : index
// CHECK-NEXT:     %3 = arith.constant 3 : index
// CHECK-NEXT:     %4 = arith.constant 24 : index
// CHECK-NEXT:     %5 = arith.constant 32 : index
// CHECK-NEXT:     %6 = arith.constant 5 : index
// CHECK-NEXT:     %7 = arith.constant 0 : index
// CHECK-NEXT:     %8 = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-NEXT{LITERAL}:     %9 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<5x24xf32> into memref<120xf32>
// CHECK-NEXT{LITERAL}:     %10 = memref.collapse_shape %w [[0 : i64, 1 : i64, 2 : i64]] : memref<3x32x8xf32> into memref<768xf32>
// CHECK-NEXT{LITERAL}:     %11 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<5x32xf32> into memref<160xf32>
// CHECK-NEXT:     scf.for %12 = %7 to %6 step %0 {
// CHECK-NEXT:       %13 = arith.muli %12, %5 : index
// CHECK-NEXT:       %14 = arith.muli %12, %4 : index
// CHECK-NEXT:       scf.for %15 = %7 to %3 step %0 {
// CHECK-NEXT:         %16 = arith.muli %15, %2 : index
// CHECK-NEXT:         %17 = arith.muli %15, %1 : index
// CHECK-NEXT:         %18 = arith.addi %14, %17 : index
// CHECK-NEXT:         %19 = scf.for %20 = %7 to %5 step %0 iter_args(%21 = %8) -> (vector<8xf32>) {
// CHECK-NEXT:           %22 = arith.addi %13, %20 : index
// CHECK-NEXT:           %23 = arith.muli %20, %1 : index
// CHECK-NEXT:           %24 = arith.addi %16, %23 : index
// CHECK-NEXT:           %25 = memref.load %11[%22] : memref<160xf32>
// CHECK-NEXT:           %26 = vector.load %10[%24] : memref<768xf32>, vector<8xf32>
// CHECK-NEXT:           %27 = vector.broadcast %25 : f32 to vector<8xf32>
// CHECK-NEXT:           %28 = math.fma %27, %26, %21 : vector<8xf32>
// CHECK-NEXT:           scf.yield %28 : vector<8xf32>
// CHECK-NEXT:         }
// CHECK-NEXT:         vector.store %19, %9[%18] : memref<120xf32>, vector<8xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
