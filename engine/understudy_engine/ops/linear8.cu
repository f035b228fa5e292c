// out = (a · bᵀ) · scales + bias in bfloat16, of int8 rows a (rows, depth) and b (columns, depth), on Hopper. GELU 1: its tanh form of that.
//
// A block makes tiles of 128 by 256: a producer warp brings depths of 128 of both, and two warpgroups multiply 64 rows each.
// Blocks stay and take tile after tile, in groups of rows, so that what they read stays in the cache. Tensor cores would idle
// while both warpgroups finish a tile: the second one begins SKEW stages behind the first, so that one multiplies meanwhile.
#include "hopper.cuh"

constexpr int STAGES = 4, SKEW = 2, GROUP = 16, ROWS = 128, COLUMNS = 256, DEPTH = 128, STAGE_BYTES = 3 * PANEL;
constexpr int STRIP = 64, STRIPS = COLUMNS / STRIP, STRIP_BYTES = 16 * STRIP * 2;  // what a warp stores at once: its 16 rows by 64 columns

__device__ __forceinline__ void multiply(int (&d)[128], u64 a, u64 b, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\nwgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127}, %128, %129, p;\n}"
               : R64("+r", d), R64("+r", (d + 64)) : "l"(a), "l"(b), "r"(add));
}

__device__ __forceinline__ float gelu(float x) {  // x · σ(2u), which is x · (1 + tanh u) / 2; an infinite power's reciprocal is 0
  const float u = 0.7978845608f * (x + 0.044715f * x * x * x);
  return x * reciprocal_fast(1.0f + exp2_fast(-2.885390082f * u));
}

__device__ __forceinline__ u32 finished(int low, int high, float row, float2 column, float2 bias) {
  float x = fmaf((float)low * row, column.x, bias.x), y = fmaf((float)high * row, column.y, bias.y);
#if GELU
  x = gelu(x); y = gelu(y);
#endif
  return pack_bf16(x, y);
}

struct Barriers { u64 full[STAGES], free[STAGES], ahead; };

// The stage whose turn it is, and the parity of its round.
struct Ring {
  u32 stage = 0, round = 0;
  __device__ __forceinline__ void turn() {
    if (++stage == STAGES) { stage = 0; round ^= 1; }
  }
};

struct Corner { int row, column; };

__device__ __forceinline__ Corner corner(int tile, int high, int wide) {
  const int first = tile / (GROUP * wide) * GROUP, size = min(GROUP, high - first), within = tile - first * wide;
  return {(first + within % size) * ROWS, within / size * COLUMNS};
}

// A lane's columns of a strip: of each eight two.
struct Factors {
  float2 scale[8], bias[8];
  __device__ __forceinline__ void load(const float* __restrict__ scales, const float* __restrict__ biases, int strip, u32 lane, int columns) {
    const int first = strip + lane % 4 * 2;
    if (strip + STRIP <= columns) {
#pragma unroll
      for (int j = 0; j < 8; ++j) { scale[j] = *(const float2*)(scales + first + 8 * j); bias[j] = *(const float2*)(biases + first + 8 * j); }
    } else {  // what is made of the last columns again is not stored
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const int at = min(first + 8 * j, columns - 2);
        scale[j] = *(const float2*)(scales + at); bias[j] = *(const float2*)(biases + at);
      }
    }
  }
};

// A warp's way out: two buffers in shared memory, of which one is stored while the other one is filled.
struct Staging {
  u32 at, mine;  // mine is where this lane names its row
  bool leads;

  __device__ __forceinline__ Staging(u32 first, u32 lane) : at(first), leads(lane == 0) {
    mine = at + lane % 16 * 128 + ((lane / 16) ^ (lane % 8)) * 16;  // the 128-byte swizzle: sixteenths of a row ^ row % 8
  }

  __device__ __forceinline__ void store(const TensorMap& out, const int* d, int strip, float above, float below, const Factors& by, int row, int column) const {
    const u32 buffer = strip % 2 * STRIP_BYTES;
    u32 made[8][2];
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int* v = d + j * 4;
      made[j][0] = finished(v[0], v[1], above, by.scale[j], by.bias[j]); made[j][1] = finished(v[2], v[3], below, by.scale[j], by.bias[j]);
    }
    if (leads) stores_read<1>();
    __syncwarp();
#pragma unroll
    for (int j = 0; j < 8; j += 2) store_matrices((mine ^ (j * 16)) + buffer, made[j][0], made[j][1], made[j + 1][0], made[j + 1][1]);
    shared_written();
    __syncwarp();
    if (leads) store_box(out, at + buffer, column, row);
  }
};

extern "C" __global__ void __launch_bounds__(384, 1)
linear8(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const __grid_constant__ TensorMap out,
        const float* __restrict__ a_scale, const float* __restrict__ b_scale, const float* __restrict__ bias, int rows, int columns, int depth) {
  extern __shared__ __align__(1024) u8 shared[];
  __shared__ Barriers barriers;
  const u32 base = (shared_address(shared) + 1023) & ~1023u;
  const u32 full = shared_address(barriers.full), free_ = shared_address(barriers.free), ahead = shared_address(&barriers.ahead);
  const int high = (rows + ROWS - 1) / ROWS, wide = (columns + COLUMNS - 1) / COLUMNS, steps = (depth + DEPTH - 1) / DEPTH;
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; ++i) { barrier_init(full + 8 * i, 1); barrier_init(free_ + 8 * i, 8); }
    barrier_init(ahead, 1);
    barriers_ready();
  }
  __syncthreads();
  Ring ring;
  if (threadIdx.x < 128) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (threadIdx.x == 0)
      for (int tile = blockIdx.x; tile < high * wide; tile += gridDim.x) {
        const Corner at = corner(tile, high, wide);
        for (int i = 0; i < steps; ++i, ring.turn()) {
          const u32 to = base + ring.stage * STAGE_BYTES, bar = full + 8 * ring.stage;
          barrier_wait(free_ + 8 * ring.stage, ring.round ^ 1);
          barrier_expect(bar, STAGE_BYTES);
          copy_box(to, a, bar, i * DEPTH, at.row);
          copy_box(to + PANEL, b, bar, i * DEPTH, at.column);
        }
      }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    const u32 lane = threadIdx.x % 32, warp = __shfl_sync(~0u, threadIdx.x / 32 - 4, 0);  // of eight; what all lanes hold alike costs no vector registers
    const Staging staging(base + STAGES * STAGE_BYTES + warp * 2 * STRIP_BYTES, lane);
    const u32 a_first = spot(base + warp / 4 * 64 * 128), b_first = spot(base + PANEL);
    const bool skewed = steps >= STAGES;  // with fewer steps the first one could be two tiles ahead, which a parity does not tell
    u32 before = 0, turn = 0;
    for (int tile = blockIdx.x; tile < high * wide; tile += gridDim.x, turn ^= 1) {
      const Corner at = corner(tile, high, wide);
      const int row = at.row + warp * 16, mine = row + lane / 4;
      const float above = mine < rows ? a_scale[mine] : 0.0f, below = mine + 8 < rows ? a_scale[mine + 8] : 0.0f;
      int d[128];
      if (skewed && warp >= 4) barrier_wait(ahead, turn);
      for (int i = 0; i < steps; ++i) {
        barrier_wait(full + 8 * ring.stage, ring.round);
        const u32 a_at = a_first + ring.stage * (STAGE_BYTES / 16), b_at = b_first + ring.stage * (STAGE_BYTES / 16);
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < 4; ++k) multiply(d, descriptor_of(a_at + 2 * k), descriptor_of(b_at + 2 * k), i > 0 || k > 0);
        wgmma_commit();
        wgmma_wait<1>();
        if (i > 0 && lane == 0) barrier_arrive(free_ + 8 * before);
        if (skewed && i == SKEW - 1 && warp == 0 && lane == 0) barrier_arrive(ahead);
        before = ring.stage;
        ring.turn();
      }
      Factors by[2];
      by[0].load(b_scale, bias, at.column, lane, columns);
      wgmma_wait<0>();
      if (lane == 0) barrier_arrive(free_ + 8 * before);
#pragma unroll
      for (int strip = 0; strip < STRIPS; ++strip) {
        const int column = at.column + strip * STRIP;
        if (strip + 1 < STRIPS) by[(strip + 1) % 2].load(b_scale, bias, column + STRIP, lane, columns);
        staging.store(out, d + strip * 32, strip, above, below, by[strip % 2], row, column);
      }
    }
    if (lane == 0) stores_read<0>();
  }
}
