from django.urls import path

from mysite import views

urlpatterns = [
    path("", views.home),
    path("enqueue/<str:text>", views.enqueue),
    path("result/<str:task>", views.result),
]
