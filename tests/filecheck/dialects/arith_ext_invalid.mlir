// RUN: penstock-opt %s --split-input-file --verify-diagnostics | filecheck %s

func.func @shorter(%x: i32) {
  %y = arith.extui %x : i32 to i16
  func.return
}

// CHECK: arith.extui: i16 is not longer than i32

// -----

func.func @shape(%x: vector<4xi32>) {
  %y = arith.sitofp %x : vector<4xi32> to vector<8xf32>
  func.return
}

// CHECK: arith.sitofp: vector<4xi32> and vector<8xf32> differ in shape

// -----

func.func @kind(%x: f32) {
  %y = arith.index_cast %x : f32 to index
  func.return
}

// CHECK: arith.index_cast: cannot convert f32 to index

// -----

func.func @mask(%m: vector<4xi1>, %x: vector<8xf32>) {
  %y = arith.select %m, %x, %x : vector<4xi1>, vector<8xf32>
  func.return
}

// CHECK: arith.select: condition vector<4xi1> does not fit vector<8xf32>
