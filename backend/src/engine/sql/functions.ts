import { foldName } from '../../core/index.js';
/**
 * The functions other people's SQL may call: an allow list, by DuckDB's own names (`duckdb_functions()` of 1.5), deny by
 * default. Left out on purpose: what reads files, settings, catalogs or the environment; what isn't the same on each node
 * and each run (random, uuid, sequences); what makes much memory out of little SQL (list_resize, range as a scalar, …; repeat,
 * lpad and format take sizes as constants).
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const operators = words('!__postfix !~~ !~~* % & && * ** + - -> ->> / // <-> << <=> <@ >> @ @> ^ ^@ | || ~ ~~ ~~* ~~~');

const text = words(`
  ascii bar base64 bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein decode
  editdist3 encode ends_with format format_bytes formatReadableDecimalSize formatReadableSize from_base64 from_binary from_hex
  greatest hamming hash hex ilike_escape instr jaccard jaro_similarity jaro_winkler_similarity lcase least left
  left_grapheme len length length_grapheme levenshtein like_escape lower lpad ltrim md5 md5_number md5_number_lower
  md5_number_upper mismatches nfc_normalize not_ilike_escape not_like_escape octet_length ord parse_dirname
  parse_dirpath parse_filename parse_formatted_bytes parse_path position prefix printf regexp_escape regexp_extract
  regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat
  replace reverse right right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex string_split
  string_split_regex string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base64
  to_binary to_hex translate trim typeof ucase unbin unhex unicode upper url_decode url_encode uuid_extract_timestamp
  uuid_extract_version bin
`);

const numbers = words(`
  abs acos acosh add asin asinh atan atan2 atanh bit_count bit_position cbrt ceil ceiling cos cosh cot degrees divide
  even exp factorial fdiv floor fmod gamma gcd get_bit greatest_common_divisor isfinite isinf isnan lcm
  least_common_multiple lgamma ln log log10 log2 mod multiply nextafter pi pow power radians round round_even
  roundbankers set_bit sign signbit sin sinh sqrt subtract tan tanh trunc xor
`);

const times = words(`
  age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
  dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era hour isodow isoyear julian
  last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz microsecond
  millennium millisecond minute month monthname nanosecond normalized_interval quarter second strftime strptime
  time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds
  to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years try_strptime
  week weekday weekofyear year yearweek
`);

/** Frozen to one moment before they run. */
const now = words(`
  now current_timestamp get_current_timestamp transaction_timestamp current_localtimestamp localtimestamp today
  current_date get_current_time current_time current_localtime localtime
`);

const nested = words(`
  aggregate apply array_aggr array_aggregate array_append array_apply array_cat array_concat array_contains
  array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct array_dot_product
  array_extract array_filter array_grade_up array_has array_has_all array_has_any array_indexof array_inner_product
  array_intersect array_length array_negative_dot_product array_negative_inner_product array_pop_back array_pop_front
  array_position array_prepend array_push_back array_push_front array_reduce array_reverse array_reverse_sort
  array_select array_slice array_sort array_to_string array_transform array_unique array_value array_where array_zip
  cardinality element_at filter flatten grade_up list_aggr list_aggregate list_any_value list_append list_apply
  list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_cat
  list_concat list_contains list_cosine_distance list_cosine_similarity list_count list_distance list_distinct
  list_dot_product list_element list_entropy list_extract list_filter list_first list_grade_up list_has list_has_all
  list_has_any list_histogram list_indexof list_inner_product list_intersect list_kurtosis list_kurtosis_pop list_last
  list_mad list_max list_median list_min list_mode list_negative_dot_product list_negative_inner_product list_pack
  list_position list_prepend list_product list_reduce list_reverse list_reverse_sort list_select list_sem list_skewness
  list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform list_unique list_value
  list_var_pop list_var_samp list_where list_zip map map_concat map_contains map_contains_entry map_contains_value
  map_entries map_extract map_extract_value map_from_entries map_keys map_values reduce remap_struct row struct_concat
  struct_contains struct_extract struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack
  struct_position struct_update struct_values union_extract union_tag union_value unnest unpivot_list
`);

const json = words(`
  array_to_json from_json from_json_strict json json_array json_array_length json_exists json_extract
  json_extract_path json_extract_path_text json_extract_string json_group_array json_group_object 
  json_keys json_object json_pretty json_quote json_transform json_transform_strict
  json_type json_valid json_value row_to_json to_json
`);

const choices = words('constant_or_null error nullif switch');

/** Aggregates; also the names `list_aggregate` may be given. */
const aggregates = words(`
  any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last arg_min
  arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if
  count_star countif covar_pop covar_samp entropy favg first first_value fsum geomean geometric_mean group_concat
  histogram histogram_exact kahan_sum kurtosis kurtosis_pop last last_value list listagg mad max max_by mean median min
  min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2
  regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev stddev_pop stddev_samp string_agg sum sumkahan var_pop
  var_samp variance wavg weighted_avg
`);

const windows = words(
  'cume_dist dense_rank fill lag lead nth_value ntile percent_rank rank rank_dense row_number first_value last_value',
);

const lower = (names: readonly string[]): readonly string[] => names.map(foldName);

export const allowedAggregates: ReadonlySet<string> = new Set(lower(aggregates));

/** Scalar and aggregate functions, macros and operators, in lower case. */
export const allowedFunctions: ReadonlySet<string> = new Set(
  lower([...operators, ...text, ...numbers, ...times, ...now, ...nested, ...json, ...choices, ...aggregates]),
);

export const allowedWindowFunctions: ReadonlySet<string> = new Set(lower([...windows, ...aggregates]));

export const allowedTableFunctions: ReadonlySet<string> = new Set(['unnest', 'range', 'generate_series']);

/** Functions whose second argument names an aggregate. */
export const aggregateByName: ReadonlySet<string> = new Set([
  'aggregate',
  'array_aggr',
  'array_aggregate',
  'list_aggr',
  'list_aggregate',
]);

/** Functions and bare words that mean the present moment, and the type they are frozen to. */
export const momentTypes: Readonly<Record<string, 'TIMESTAMP' | 'DATE' | 'TIME'>> = {
  now: 'TIMESTAMP',
  current_timestamp: 'TIMESTAMP',
  get_current_timestamp: 'TIMESTAMP',
  transaction_timestamp: 'TIMESTAMP',
  current_localtimestamp: 'TIMESTAMP',
  localtimestamp: 'TIMESTAMP',
  today: 'DATE',
  current_date: 'DATE',
  get_current_time: 'TIME',
  current_time: 'TIME',
  current_localtime: 'TIME',
  localtime: 'TIME',
};

/** The moments that SQL knows as bare words; DuckDB takes them for columns until it finds none. */
export const bareMoments: ReadonlySet<string> = new Set([
  'current_timestamp',
  'current_date',
  'current_time',
  'localtime',
  'localtimestamp',
]);

/** Bare words that DuckDB answers with its own state when no column in their scope is called so. */
export const bareSettings: ReadonlySet<string> = new Set([
  'current_catalog',
  'current_database',
  'current_query',
  'current_role',
  'current_schema',
  'current_user',
  'session_user',
  'user',
]);

const amplifier = 'it makes a value of any size out of little SQL';
const unstable = 'its answer differs on each node and each run';

/** Functions of other databases, and what DuckDB calls them. */
const elsewhere: Readonly<Record<string, string>> = {
  charindex: 'strpos(x, y)',
  convert: 'CAST(x AS VARCHAR)',
  countdistinct: 'count(DISTINCT x)',
  date_format: "strftime(time, '%Y-%m-%d')",
  dateadd: 'time + INTERVAL 1 DAY',
  from_unixtime: 'to_timestamp(x)',
  getdate: 'now()',
  iif: 'CASE WHEN x THEN y ELSE z END',
  isnull: 'coalesce(x, y)',
  nvl: 'coalesce(x, y)',
  sysdate: 'now()',
  to_char: "strftime(time, '%Y-%m-%d')",
  to_date: 'CAST(x AS DATE)',
  tostring: 'CAST(x AS VARCHAR)',
  tostartofhour: "date_trunc('hour', time)",
  uniq: 'count(DISTINCT x)',
  unix_timestamp: 'epoch(time)',
};

/** Why a function is refused and what to do instead, where that is known. */
export function refusalOf(name: string): { readonly reason: string; readonly hint?: string } {
  if (/^(range|generate_series|generate_subscripts)$/.test(name)) {
    return { reason: amplifier, hint: `Use it in FROM, with constant bounds: FROM ${name}(1, 10).` };
  }
  if (/^(list_resize|array_resize|bitstring|bitstring_agg|to_base|equi_width_bins)$/.test(name)) {
    return { reason: amplifier };
  }
  if (/^(random|setseed|uuid|uuidv4|uuidv7|gen_random_uuid|nextval|currval|reservoir_quantile)$/.test(name)) {
    return { reason: unstable };
  }
  if (/^json_(contains|group_structure|merge_patch|structure)$/.test(name)) {
    return {
      reason: 'deeply nested JSON crashes it',
      hint: "Take the fields you need: json_extract_string(x, '$.field').",
    };
  }
  const ours = elsewhere[name];
  if (ours !== undefined) return { reason: 'other databases call it so', hint: `Write ${ours}.` };
  if (name === '__postfix' || name.endsWith('`__postfix')) {
    return {
      reason: 'a backtick quotes nothing here',
      hint: 'Names are quoted with double quotes, texts with single ones.',
    };
  }
  if (name === 'ago') return { reason: unstable, hint: 'Write now() - INTERVAL 1 HOUR.' };
  if (/^(read_|parquet_|sniff_|glob$|query$|query_table$)/.test(name)) {
    return {
      reason: 'it reads files or runs other SQL',
      hint: 'Name the tables in FROM: GET /api/v1/catalog lists them.',
    };
  }
  if (/^(duckdb_|pg_|pragma_|current_|has_)/.test(name)) {
    return { reason: "it shows the database's own state", hint: 'GET /api/v1/catalog lists tables and columns.' };
  }
  return { reason: 'it is not among the functions queries may use' };
}
