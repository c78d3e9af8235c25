-- 100 belongs to the band of 90: eleven bands would be one too many.
select
    kind,
    least(quality_score / 10 * 10, 90)::integer as score_from,
    count(*) as golden_contact_count,
    {{ ratio('count(*)', 'sum(count(*)) over (partition by kind)') }} as share_of_kind,
    round(avg(quality_score), 2)::numeric(5, 2) as mean_score,
    round(avg(completeness), 2)::numeric(5, 2) as mean_completeness,
    count(*) filter (where opted_out) as opted_out_count,
    now() as as_of
from {{ ref('dim_golden_contacts') }}
where quality_score is not null
group by kind, least(quality_score / 10 * 10, 90)
