// RUN: penstock-opt %s -p expand-rounding --split-input-file | filecheck %s

builtin.module attributes {nest.machine = {rounds = 0 : i64}} {
  func.func @nearest(%x: f32) -> f32 {
    %r = math.roundeven %x : f32
    func.return %r : f32
  }
}

// CHECK: builtin.module attributes {nest.machine = {rounds = 0 : i64}} {
// CHECK-NEXT:   func.func @nearest(%x: f32) -> f32 {
// CHECK-NEXT:     %0 = arith.constant 0x4B000000 : f32
// CHECK-NEXT:     %1 = math.copysign %0, %x : f32
// CHECK-NEXT:     %2 = arith.addf %x, %1 : f32
// CHECK-NEXT:     %3 = arith.subf %2, %1 : f32
// CHECK-NEXT:     %4 = math.absf %x : f32
// CHECK-NEXT:     %5 = arith.cmpf olt, %4, %0 : f32
// CHECK-NEXT:     %6 = math.copysign %3, %x : f32
// CHECK-NEXT:     %r = arith.select %5, %6, %x : f32
// CHECK-NEXT:     func.return %r : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

builtin.module attributes {nest.machine = {rounds = 0 : i64}} {
  func.func @down(%x: f32) -> f32 {
    %r = math.floor %x : f32
    func.return %r : f32
  }
}

// CHECK: builtin.module attributes {nest.machine = {rounds = 0 : i64}} {
// CHECK-NEXT:   func.func @down(%x: f32) -> f32 {
// CHECK-NEXT:     %0 = arith.constant 0x4B000000 : f32
// CHECK-NEXT:     %1 = math.copysign %0, %x : f32
// CHECK-NEXT:     %2 = arith.addf %x, %1 : f32
// CHECK-NEXT:     %3 = arith.subf %2, %1 : f32
// CHECK-NEXT:     %4 = arith.cmpf ogt, %3, %x : f32
// CHECK-NEXT:     %5 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:     %6 = arith.subf %3, %5 : f32
// CHECK-NEXT:     %7 = arith.select %4, %6, %3 : f32
// CHECK-NEXT:     %8 = math.absf %x : f32
// CHECK-NEXT:     %9 = arith.cmpf olt, %8, %0 : f32
// CHECK-NEXT:     %10 = math.copysign %7, %x : f32
// CHECK-NEXT:     %r = arith.select %9, %10, %x : f32
// CHECK-NEXT:     func.return %r : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

builtin.module attributes {nest.machine = {rounds = 1 : i64}} {
  func.func @kept(%x: f32) -> f32 {
    %r = math.floor %x : f32
    func.return %r : f32
  }
}

// CHECK: builtin.module attributes {nest.machine = {rounds = 1 : i64}} {
// CHECK-NEXT:   func.func @kept(%x: f32) -> f32 {
// CHECK-NEXT:     %r = math.floor %x : f32
// CHECK-NEXT:     func.return %r : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }
