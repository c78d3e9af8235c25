select step, provider, operation, position
from {{ source('enrichment', 'waterfall_orders') }}
