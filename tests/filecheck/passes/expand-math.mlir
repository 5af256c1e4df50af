// RUN: penstock-opt %s -p expand-math --split-input-file | filecheck %s

func.func @reciprocal_root(%x: f32) -> f32 {
  %y = math.rsqrt %x : f32
  func.return %y : f32
}

// -----

func.func @round_half_away_of_halves(%x: vector<8xf16>) -> vector<8xf16> {
  %y = math.round %x : vector<8xf16>
  func.return %y : vector<8xf16>
}

// -----

func.func @square(%x: vector<4xf32>) -> vector<4xf32> {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %y = math.powf %x, %two : vector<4xf32>
  func.return %y : vector<4xf32>
}

// -----

func.func @machine_ops_stay(%x: f64) -> f64 {
  %y = math.sqrt %x : f64
  %z = math.fma %y, %x, %x : f64
  func.return %z : f64
}
