// out = (a · bᵀ) · scales + bias in bfloat16, of int8 rows a (rows, depth) and b (columns, depth), on Hopper. GELU 1: its tanh form of that.
//
// A block makes tiles of 128 by 256: a producer warp brings depths of 128 of both, and two warpgroups multiply 64 rows each.
// Blocks stay and take tile after tile, in groups of rows, so that what they read stays in the cache.
#include "hopper.cuh"

constexpr int STAGES = 4, GROUP = 16, ROWS = 128, COLUMNS = 256, DEPTH = 128, STAGE_BYTES = 3 * PANEL;

__device__ __forceinline__ void multiply(int (&d)[128], u64 a, u64 b, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\nwgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127}, %128, %129, p;\n}"
               : R64("+r", d), R64("+r", (d + 64)) : "l"(a), "l"(b), "r"(add));
}

__device__ __forceinline__ float gelu(float x) {  // x · σ(2u), which is x · (1 + tanh u) / 2
  const float u = 0.7978845608f * (x + 0.044715f * x * x * x);
  return x / (1.0f + exp2_fast(-2.885390082f * u));
}

__device__ __forceinline__ u32 finished(int low, int high, float row, float2 column, float2 bias) {
  float x = fmaf((float)low * row, column.x, bias.x), y = fmaf((float)high * row, column.y, bias.y);
#if GELU
  x = gelu(x); y = gelu(y);
#endif
  return pack_bf16(x, y);
}

// Of four blocks of eight columns a lane of a quad holds two columns each; it gets all eight of the block of its number.
__device__ __forceinline__ uint4 gathered(const u32 (&mine)[4], int q) {
  u32 came[4], line[4];
#pragma unroll
  for (int r = 0; r < 4; ++r) {  // in round r lanes q and q ^ r give each other what the other one is to hold
    u32 give = mine[0];
#pragma unroll
    for (int j = 1; j < 4; ++j) give = (q ^ r) == j ? mine[j] : give;
    came[r] = __shfl_xor_sync(~0u, give, r);
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    line[j] = came[0];
#pragma unroll
    for (int r = 1; r < 4; ++r) line[j] = (q ^ r) == j ? came[r] : line[j];
  }
  return make_uint4(line[0], line[1], line[2], line[3]);
}

__device__ __forceinline__ void place(int tile, int m_tiles, int n_tiles, int& m, int& n) {
  const int first = tile / (GROUP * n_tiles) * GROUP, size = min(GROUP, m_tiles - first), within = tile - first * n_tiles;
  m = first + within % size; n = within / size;
}

struct Barriers { u64 full[STAGES], free[STAGES]; };

extern "C" __global__ void __launch_bounds__(384, 1)
linear8(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float* __restrict__ a_scale,
        const float* __restrict__ b_scale, const float* __restrict__ bias, u8* __restrict__ out, int rows, int columns, int depth) {
  extern __shared__ __align__(1024) u8 shared[];
  __shared__ Barriers barriers;
  const u32 base = (shared_address(shared) + 1023) & ~1023u, full = shared_address(barriers.full), free_ = shared_address(barriers.free);
  const int m_tiles = (rows + ROWS - 1) / ROWS, n_tiles = (columns + COLUMNS - 1) / COLUMNS, steps = (depth + DEPTH - 1) / DEPTH;
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; ++i) { barrier_init(full + 8 * i, 1); barrier_init(free_ + 8 * i, 8); }
    barriers_ready();
  }
  __syncthreads();
  const int group = threadIdx.x / 128;
  int turn = 0;
  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (threadIdx.x == 0)
      for (int tile = blockIdx.x; tile < m_tiles * n_tiles; tile += gridDim.x) {
        int m, n;
        place(tile, m_tiles, n_tiles, m, n);
        for (int i = 0; i < steps; ++i, ++turn) {
          const int stage = turn % STAGES; const u32 at = base + stage * STAGE_BYTES, bar = full + 8 * stage;
          barrier_wait(free_ + 8 * stage, (turn / STAGES & 1) ^ 1);
          barrier_expect(bar, STAGE_BYTES);
          copy_box(at, a, bar, i * DEPTH, m * ROWS);
          copy_box(at + PANEL, b, bar, i * DEPTH, n * COLUMNS);
        }
      }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    const int mine = group - 1, lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, q = lane & 3;
    for (int tile = blockIdx.x; tile < m_tiles * n_tiles; tile += gridDim.x) {
      int m, n, d[128];
      place(tile, m_tiles, n_tiles, m, n);
      for (int i = 0; i < steps; ++i, ++turn) {
        const int stage = turn % STAGES; const u32 a_at = base + stage * STAGE_BYTES + mine * 64 * 128, b_at = base + stage * STAGE_BYTES + PANEL;
        barrier_wait(full + 8 * stage, turn / STAGES & 1);
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < 4; ++k) multiply(d, descriptor(a_at + k * 32), descriptor(b_at + k * 32), i > 0 || k > 0);
        wgmma_commit();
        wgmma_wait<1>();
        if (i > 0 && lane == 0) barrier_arrive(free_ + 8 * ((turn + STAGES - 1) % STAGES));
      }
      wgmma_wait<0>();
      if (lane == 0) barrier_arrive(free_ + 8 * ((turn + STAGES - 1) % STAGES));
      const int row = m * ROWS + mine * 64 + warp * 16 + lane / 4;
      const float s0 = row < rows ? a_scale[row] : 0.0f, s1 = row + 8 < rows ? a_scale[row + 8] : 0.0f;
      u8* to = out + ((size_t)row * columns + n * COLUMNS) * 2;
#pragma unroll
      for (int i = 0; i < 32; i += 4) {
        u32 above[4], below[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int column = min(n * COLUMNS + (i + j) * 8 + q * 2, columns - 2);
          const float2 w = *(const float2*)(b_scale + column), c = *(const float2*)(bias + column);
          const int* v = d + (i + j) * 4;
          above[j] = finished(v[0], v[1], s0, w, c); below[j] = finished(v[2], v[3], s1, w, c);
        }
        const uint4 line0 = gathered(above, q), line1 = gathered(below, q);
        const bool inside = n * COLUMNS + (i + q) * 8 < columns;
        if (inside && row < rows) *(uint4*)(to + (i + q) * 16) = line0;
        if (inside && row + 8 < rows) *(uint4*)(to + (size_t)8 * columns * 2 + (i + q) * 16) = line1;
      }
    }
  }
}
