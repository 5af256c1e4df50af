// RUN: penstock-opt %s | filecheck %s

func.func @round_trip(%v: vector<8xf32>, %n: vector<8xi32>, %x: f32, %k: i64) {
  %m = arith.cmpf olt, %v, %v : vector<8xf32>
  %c = arith.cmpi ult, %k, %k : i64
  %s = arith.select %m, %v, %v : vector<8xi1>, vector<8xf32>
  %t = arith.select %c, %v, %v : vector<8xf32>
  %w = arith.extsi %n : vector<8xi32> to vector<8xi64>
  %b = arith.trunci %n : vector<8xi32> to vector<8xi8>
  %f = arith.sitofp %n : vector<8xi32> to vector<8xf32>
  %i = arith.fptoui %v : vector<8xf32> to vector<8xi8>
  %j = arith.index_cast %n : vector<8xi32> to vector<8xindex>
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @round_trip(%v: vector<8xf32>, %n: vector<8xi32>, %x: f32, %k: i64) {
// CHECK-NEXT:     %m = arith.cmpf olt, %v, %v : vector<8xf32>
// CHECK-NEXT:     %c = arith.cmpi ult, %k, %k : i64
// CHECK-NEXT:     %s = arith.select %m, %v, %v : vector<8xi1>, vector<8xf32>
// CHECK-NEXT:     %t = arith.select %c, %v, %v : vector<8xf32>
// CHECK-NEXT:     %w = arith.extsi %n : vector<8xi32> to vector<8xi64>
// CHECK-NEXT:     %b = arith.trunci %n : vector<8xi32> to vector<8xi8>
// CHECK-NEXT:     %f = arith.sitofp %n : vector<8xi32> to vector<8xf32>
// CHECK-NEXT:     %i = arith.fptoui %v : vector<8xf32> to vector<8xi8>
// CHECK-NEXT:     %j = arith.index_cast %n : vector<8xi32> to vector<8xindex>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
