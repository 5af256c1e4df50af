// RUN: penstock-opt %s -p expand-math --split-input-file | filecheck %s

func.func @reciprocal_root(%x: f32) -> f32 {
  %y = math.rsqrt %x : f32
  func.return %y : f32
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @reciprocal_root(%x: f32) -> f32 {
// CHECK-NEXT:     %0 = math.sqrt %x : f32
// CHECK-NEXT:     %1 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:     %y = arith.divf %1, %0 : f32
// CHECK-NEXT:     func.return %y : f32
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @round_half_away_of_halves(%x: vector<8xf16>) -> vector<8xf16> {
  %y = math.round %x : vector<8xf16>
  func.return %y : vector<8xf16>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @round_half_away_of_halves(%x: vector<8xf16>) -> vector<8xf16> {
// CHECK-NEXT:     %0 = arith.extf %x : vector<8xf16> to vector<8xf32>
// CHECK-NEXT:     %1 = arith.constant dense<0.49999997> : vector<8xf32>
// CHECK-NEXT:     %2 = math.copysign %1, %0 : vector<8xf32>
// CHECK-NEXT:     %3 = arith.addf %0, %2 : vector<8xf32>
// CHECK-NEXT:     %4 = math.trunc %3 : vector<8xf32>
// CHECK-NEXT:     %y = arith.truncf %4 : vector<8xf32> to vector<8xf16>
// CHECK-NEXT:     func.return %y : vector<8xf16>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @square(%x: vector<4xf32>) -> vector<4xf32> {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %y = math.powf %x, %two : vector<4xf32>
  func.return %y : vector<4xf32>
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @square(%x: vector<4xf32>) -> vector<4xf32> {
// CHECK-NEXT:     %two = arith.constant dense<2.000000e+00> : vector<4xf32>
// CHECK-NEXT:     %y = arith.mulf %x, %x : vector<4xf32>
// CHECK-NEXT:     func.return %y : vector<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

func.func @machine_ops_stay(%x: f64) -> f64 {
  %y = math.sqrt %x : f64
  %z = math.fma %y, %x, %x : f64
  func.return %z : f64
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @machine_ops_stay(%x: f64) -> f64 {
// CHECK-NEXT:     %y = math.sqrt %x : f64
// CHECK-NEXT:     %z = math.fma %y, %x, %x : f64
// CHECK-NEXT:     func.return %z : f64
// CHECK-NEXT:   }
// CHECK-NEXT: }
