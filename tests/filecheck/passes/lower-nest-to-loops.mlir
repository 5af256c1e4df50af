// RUN: penstock-opt %s -p lower-nest-to-loops --split-input-file | filecheck %s

// Four columns in a register, sums kept over the whole reduction.
func.func @k(%x: memref<4x3xf32>, %w: memref<3x4xf32>, %y: memref<4x4xf32>) attributes {nest.kernel} {
  nest.compute [m = 4, n = 1, k = 3 reduce, n.r = 4 vector 4] ins(%x["m, k"] : memref<4x3xf32>, %w["k, 4*n + n.r"] : memref<3x4xf32>) outs(%y["m, 4*n + n.r"] : memref<4x4xf32>) init(0.0 : f32) {
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
// CHECK-NEXT:   func.func @k(%x: memref<4x3xf32>, %w: memref<3x4xf32>, %y: memref<4x4xf32>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant 3 : index
// CHECK-NEXT:     %2 = arith.constant 4 : index
// CHECK-NEXT:     %3 = arith.constant 0 : index
// CHECK-NEXT:     %4 = arith.constant dense<0.000000e+00> : vector<4xf32>
// CHECK-NEXT{LITERAL}:     %5 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<4x4xf32> into memref<16xf32>
// CHECK-NEXT{LITERAL}:     %6 = memref.collapse_shape %w [[0 : i64, 1 : i64]] : memref<3x4xf32> into memref<12xf32>
// CHECK-NEXT{LITERAL}:     %7 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<4x3xf32> into memref<12xf32>
// CHECK-NEXT:     scf.for %8 = %3 to %2 step %0 {
// CHECK-NEXT:       %9 = arith.muli %8, %1 : index
// CHECK-NEXT:       %10 = arith.muli %8, %2 : index
// CHECK-NEXT:       %11 = scf.for %12 = %3 to %1 step %0 iter_args(%13 = %4) -> (vector<4xf32>) {
// CHECK-NEXT:         %14 = arith.addi %9, %12 : index
// CHECK-NEXT:         %15 = arith.muli %12, %2 : index
// CHECK-NEXT:         %16 = memref.load %7[%14] : memref<12xf32>
// CHECK-NEXT:         %17 = vector.load %6[%15] : memref<12xf32>, vector<4xf32>
// CHECK-NEXT:         %18 = vector.broadcast %16 : f32 to vector<4xf32>
// CHECK-NEXT:         %19 = math.fma %18, %17, %13 : vector<4xf32>
// CHECK-NEXT:         scf.yield %19 : vector<4xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:       vector.store %11, %5[%10] : memref<16xf32>, vector<4xf32>
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Five bytes of a row: four at once, and the last one by itself, without a mask.
func.func @one_left(%x: memref<3x5xi8>, %y: memref<3x5xi8>) attributes {nest.kernel} {
  nest.compute [m = 3, n = 1, n.r = 5 vector 4] ins(%x["m, 5*n + n.r"] : memref<3x5xi8>) outs(%y["m, 5*n + n.r"] : memref<3x5xi8>) {
  ^bb0(%a: i8):
  nest.yield %a : i8
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @one_left(%x: memref<3x5xi8>, %y: memref<3x5xi8>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant 1 : index
// CHECK-NEXT:     %1 = arith.constant dense<0> : vector<4xi8>
// CHECK-NEXT:     %2 = arith.constant 4 : index
// CHECK-NEXT:     %3 = arith.constant 5 : index
// CHECK-NEXT:     %4 = arith.constant 3 : index
// CHECK-NEXT:     %5 = arith.constant 0 : index
// CHECK-NEXT{LITERAL}:     %6 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<3x5xi8> into memref<15xi8>
// CHECK-NEXT{LITERAL}:     %7 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<3x5xi8> into memref<15xi8>
// CHECK-NEXT:     scf.for %8 = %5 to %4 step %0 {
// CHECK-NEXT:       %9 = arith.muli %8, %3 : index
// CHECK-NEXT:       %10 = vector.load %7[%9] : memref<15xi8>, vector<4xi8>
// CHECK-NEXT:       vector.store %10, %6[%9] : memref<15xi8>, vector<4xi8>
// CHECK-NEXT:       %11 = arith.addi %9, %2 : index
// CHECK-NEXT:       %12 = vector.create_mask %0 : vector<4xi1>
// CHECK-NEXT:       %13 = vector.maskedload %7[%11], %12, %1 : memref<15xi8>, vector<4xi1>, vector<4xi8> into vector<4xi8>
// CHECK-NEXT:       %14 = arith.addi %9, %2 : index
// CHECK-NEXT:       %15 = vector.extract %13[0] : i8 from vector<4xi8>
// CHECK-NEXT:       memref.store %15, %6[%14] : memref<15xi8>
// CHECK-NEXT:     }
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Rows become columns: two vectors along the columns are transposed in registers.
func.func @square(%x: memref<2x2xf64>, %y: memref<2x2xf64>) attributes {nest.kernel} {
  nest.compute [i = 1, j = 1, i.r = 2 unroll, j.r = 2 vector 2] ins(%x["2*j + j.r, 2*i + i.r"] : memref<2x2xf64>) outs(%y["2*i + i.r, 2*j + j.r"] : memref<2x2xf64>) {
  ^bb0(%a: f64):
  nest.yield %a : f64
  }
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @square(%x: memref<2x2xf64>, %y: memref<2x2xf64>) attributes {nest.kernel} {
// CHECK-NEXT:     %0 = arith.constant dense<0.000000e+00> : vector<2xf64>
// CHECK-NEXT:     %1 = arith.constant 2 : index
// CHECK-NEXT:     %2 = arith.constant 0 : index
// CHECK-NEXT{LITERAL}:     %3 = memref.collapse_shape %y [[0 : i64, 1 : i64]] : memref<2x2xf64> into memref<4xf64>
// CHECK-NEXT{LITERAL}:     %4 = memref.collapse_shape %x [[0 : i64, 1 : i64]] : memref<2x2xf64> into memref<4xf64>
// CHECK-NEXT:     %5 = vector.load %4[%2] : memref<4xf64>, vector<2xf64>
// CHECK-NEXT:     %6 = vector.load %4[%1] : memref<4xf64>, vector<2xf64>
// CHECK-NEXT:     %7 = vector.shuffle %5, %6 [0, 2] : vector<2xf64>, vector<2xf64>
// CHECK-NEXT:     %8 = vector.shuffle %5, %6 [1, 3] : vector<2xf64>, vector<2xf64>
// CHECK-NEXT:     vector.store %7, %3[%2] : memref<4xf64>, vector<2xf64>
// CHECK-NEXT:     vector.store %8, %3[%1] : memref<4xf64>, vector<2xf64>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
