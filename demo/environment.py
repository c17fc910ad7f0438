"""Settings with which the demo ERP is asked: plain HTTP, at any time, and as often as anybody likes."""

ERP_SETTINGS = {
    "ERP_CLIENT": "http",
    "ERP_HOURS": "always",
    "ERP_LOGINS_A_DAY": "1000000",
    "ERP_EXPORTS_A_DAY": "1000000",
}
