// RUN: penstock-opt %s | filecheck %s

func.func @round_trip(%p: !llvm.ptr, %v: vector<8xf32>, %n: vector<8xi32>, %x: f32, %k: i64) {
  %m = llvm.fcmp "olt" %v, %v : vector<8xf32>
  %c = llvm.fcmp "uno" %x, %x : f32
  %s = llvm.select %m, %v, %v : vector<8xi1>, vector<8xf32>
  %t = llvm.select %c, %v, %v : i1, vector<8xf32>
  %e = llvm.extractelement %v[%k : i64] : vector<8xf32>
  %q = llvm.mlir.poison : vector<8xf32>
  %l = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xf32>) -> vector<8xf32>
  llvm.intr.masked.store %n, %p, %m {alignment = 4 : i32} : vector<8xi32>, vector<8xi1> into !llvm.ptr
  %i = llvm.fptosi %v : vector<8xf32> to vector<8xi32>
  %u = llvm.fptoui %x : f32 to i8
  %f = llvm.uitofp %n : vector<8xi32> to vector<8xf32>
  %max = llvm.intr.maximum(%v, %q) : (vector<8xf32>, vector<8xf32>) -> vector<8xf32>
  %sum = llvm.intr.vector.reduce.add(%n) : (vector<8xi32>) -> i32
  %abs = "llvm.intr.abs"(%k) <{is_int_min_poison = false}> : (i64) -> i64
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @round_trip(%p: !llvm.ptr, %v: vector<8xf32>, %n: vector<8xi32>, %x: f32, %k: i64) {
// CHECK-NEXT:     %m = llvm.fcmp "olt" %v, %v : vector<8xf32>
// CHECK-NEXT:     %c = llvm.fcmp "uno" %x, %x : f32
// CHECK-NEXT:     %s = llvm.select %m, %v, %v : vector<8xi1>, vector<8xf32>
// CHECK-NEXT:     %t = llvm.select %c, %v, %v : i1, vector<8xf32>
// CHECK-NEXT:     %e = llvm.extractelement %v[%k : i64] : vector<8xf32>
// CHECK-NEXT:     %q = llvm.mlir.poison : vector<8xf32>
// CHECK-NEXT:     %l = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xf32>) -> vector<8xf32>
// CHECK-NEXT:     llvm.intr.masked.store %n, %p, %m {alignment = 4 : i32} : vector<8xi32>, vector<8xi1> into !llvm.ptr
// CHECK-NEXT:     %i = llvm.fptosi %v : vector<8xf32> to vector<8xi32>
// CHECK-NEXT:     %u = llvm.fptoui %x : f32 to i8
// CHECK-NEXT:     %f = llvm.uitofp %n : vector<8xi32> to vector<8xf32>
// CHECK-NEXT:     %max = llvm.intr.maximum(%v, %q) : (vector<8xf32>, vector<8xf32>) -> vector<8xf32>
// CHECK-NEXT:     %sum = llvm.intr.vector.reduce.add(%n) : (vector<8xi32>) -> i32
// CHECK-NEXT:     %abs = "llvm.intr.abs"(%k) <{is_int_min_poison = false}> : (i64) -> i64
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
